// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/payload/payload_builder.h"

#include <algorithm>

#include <fmt/format.h>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/roles/service_provider/keys/blocks/block_keys.h"
#include "kagibin/roles/service_provider/keys/static_deks.h"
#include "kagibin/roles/service_provider/keys/token_element_keys.h"

namespace kagibin::roles::service_provider {
namespace {

constexpr std::string_view kLabelDerivation = "KB1-KDV";
constexpr std::size_t kShortGroup = 0xFE;  // longest value with a length of one octet

SecretBytes joined(std::span<const SecretBytes> parts) {
  std::size_t size = 0;
  for (const SecretBytes& part : parts) {
    size += part.size();
  }
  SecretBytes out(size);
  auto at = out.expose_mutable().begin();
  for (const SecretBytes& part : parts) {
    at = std::ranges::copy(part.expose(), at).out;
  }
  return out;
}

SecretBytes group_head(std::uint16_t dgi, std::size_t size) {
  ByteWriter head;
  head.u16(dgi);
  if (size <= kShortGroup) {
    head.u8(static_cast<std::uint8_t>(size));
  } else {
    head.u8(0xFF).u16(static_cast<std::uint16_t>(size));
  }
  return SecretBytes::copy_of(head.view());
}

std::unexpected<Problem> refuse_outside_put_key(std::string_view name) {
  return problem(Errc::kNotSupported,
                 fmt::format("The key \"{}\" is in a token, which seals it into a put_key alone, "
                             "not into store_data or command; nothing was ordered.",
                             name));
}

bool puts_static_dek(const KeySource& source) {
  if (const auto* derived = std::get_if<DerivedKey>(&source)) {
    return derived->key_identifier == StaticDeks::kIdentifier;
  }
  const auto* literal = std::get_if<LiteralKey>(&source);
  return literal != nullptr && literal->slot &&
         literal->slot->key_identifier == StaticDeks::kIdentifier;
}

}  // namespace

// Valid until the next call.
Checked<const crypto::DerivationKey*> PayloadBuilder::master_key(const std::string& name) const {
  if (!master_ || master_name_ != name) {
    master_ = KB_TRY(keys_.master_key(name));
    master_name_ = name;
  }
  return &*master_;
}

Bytes PayloadBuilder::derivation_context(const DerivedKey& source, const Seid& seid) const {
  return ByteWriter()
      .bytes(seid.view())
      .bytes(payload_.target.view())
      .u8(source.key_version)
      .u8(source.key_identifier)
      .take();
}

Checked<SecretBytes> PayloadBuilder::derive(const DerivedKey& source, const Seid& seid) const {
  const crypto::DerivationKey* master = KB_TRY(master_key(source.master));
  return KB_TRY(master->diversify(ascii(kLabelDerivation), derivation_context(source, seid),
                                  source.size_bytes));
}

bool PayloadBuilder::stays_in_token(const KeySource& source) const {
  if (const auto* literal = std::get_if<LiteralKey>(&source)) {
    return is_token_element_key(literal->name, keys_);
  }
  const auto* derived = std::get_if<DerivedKey>(&source);
  if (derived == nullptr || !is_token_only_) {
    return false;
  }
  const auto uri = keys_.master_key_uri(derived->master);
  return uri && !uri->empty();
}

bool PayloadBuilder::has_token_keys() const {
  return std::ranges::any_of(payload_.key_sources(),
                             [&](const KeySource& source) { return stays_in_token(source); });
}

bool PayloadBuilder::is_sealed_inside() const {
  return std::ranges::all_of(payload_.actions, [&](const PlannedAction& action) {
    if (const auto* put = std::get_if<PlannedPutKey>(&action)) {
      return std::ranges::all_of(put->keys,
                                 [&](const KeySource& source) { return stays_in_token(source); });
    }
    return std::holds_alternative<PlannedDeleteKey>(action);
  });
}

Checked<PayloadBuilder::InToken> PayloadBuilder::find_in_token(const KeySource& source,
                                                               const Seid& seid) const {
  if (puts_static_dek(source)) {
    return problem(Errc::kNotSupported,
                   "The payload puts a key that stays in a token as a static Key-DEK (key "
                   "identifier 12). We have to know that one: the domain opens what is put later "
                   "under it and no more under a session's. Take a key that is no key of a token; "
                   "nothing was ordered.");
  }
  if (const auto* literal = std::get_if<LiteralKey>(&source)) {
    if (!literal->slot) {
      return refuse_outside_put_key(literal->name);
    }
    TokenElementKey found = KB_TRY(find_token_element_key(literal->name, keys_));
    KB_TRY(check_token_binding(literal->name, found, seid, payload_.target, literal->slot));
    return InToken{.key = std::move(found.key), .check_value = found.check_value};
  }
  const auto& derived = std::get<DerivedKey>(source);
  // That it is the one that was put to use.
  const crypto::DerivationKey* master = KB_TRY(master_key(derived.master));
  if (master->token_uri().empty()) {
    return problem(Errc::kPolicy,
                   fmt::format("policy.token_only is set, and the master key \"{}\" is in two "
                               "tokens: what both derive meets in this process. Take a master key "
                               "in one token.",
                               derived.master));
  }
  InToken out{.key = {.uri = KB_TRY(keys_.master_key_uri(derived.master)),
                      .size_bytes = derived.size_bytes,
                      .label = std::string(kLabelDerivation),
                      .context = derivation_context(derived, seid)}};
  const auto check_value = keys_.tokens()->check_value(out.key);
  if (!check_value) {
    return problem(check_value.error().code,
                   fmt::format("policy.token_only is set, and keys of the master key \"{}\" do not "
                               "go into an envelope inside the token: {}.",
                               derived.master, check_value.error().detail.text()));
  }
  out.check_value = *check_value;
  return out;
}

Checked<SecretBytes> PayloadBuilder::from_csv(const CsvKey& source, const Seid& seid) const {
  const auto file = csv_.find(source.file);
  if (file == csv_.end()) {
    return problem(Errc::kNotFound,
                   fmt::format("The payload takes keys from {}, which was not read.", source.file));
  }
  return file->second.key(seid, source.column);
}

Checked<SecretBytes> PayloadBuilder::key(const KeySource& source, const Seid& seid) {
  if (const auto* derived = std::get_if<DerivedKey>(&source)) {
    return derive(*derived, seid);
  }
  if (const auto* random = std::get_if<RandomKey>(&source)) {
    return KB_TRY(crypto::random_secret(rng_, random->size_bytes));
  }
  if (const auto* csv = std::get_if<CsvKey>(&source)) {
    SecretBytes out = KB_TRY(from_csv(*csv, seid));
    KB_TRY(keys_.claim_key(fmt::format("of {}, column {},", csv->file, csv->column), out, seid));
    return out;
  }
  const auto& [name, slot] = std::get<LiteralKey>(source);
  if (is_token_element_key(name, keys_)) {
    return refuse_outside_put_key(name);
  }
  KB_TRY(check_binding(name, seid, payload_.target, slot, keys_));
  SecretBytes out = KB_TRY(keys_.literal_key(name));
  KB_TRY(keys_.claim_key(name, out, seid));
  return out;
}

Checked<SecretBytes> PayloadBuilder::value(const PlannedValue& value,
                                           const Seid& seid,
                                           KeyCheckValue& last) {
  if (const auto* octets = std::get_if<Bytes>(&value)) {
    return SecretBytes::copy_of(*octets);
  }
  if (const auto* source = std::get_if<KeySource>(&value)) {
    SecretBytes out = KB_TRY(key(*source, seid));
    last = KB_TRY(crypto::aes_kcv(out.expose()));
    return out;
  }
  if (!last) {
    return problem(Errc::kValue,
                   "The payload asks for the check value (kcv) of a key where no key stands before "
                   "it in the action; nothing was ordered.");
  }
  return SecretBytes::copy_of(*last);
}

Checked<std::optional<Bytes>> PayloadBuilder::probe(const std::optional<PlannedProbe>& planned,
                                                    const Seid& seid,
                                                    KeyCheckValue& last) {
  if (!planned) {
    return std::optional<Bytes>();
  }
  if (!planned->command.empty()) {
    return std::optional<Bytes>(planned->command);
  }
  Bytes data;
  for (const PlannedValue& part : planned->data) {
    const SecretBytes octets = KB_TRY(value(part, seid, last));
    append(data, octets.expose());
  }
  if (data.empty() || data.size() > envelope::kCommandDataMaxSize) {
    return problem(Errc::kLength,
                   "A probe's data has 1 to 223 octets together; nothing was ordered.");
  }
  return std::optional<Bytes>(ByteWriter()
                                  .bytes(planned->header)
                                  .u8(static_cast<std::uint8_t>(data.size()))
                                  .bytes(data)
                                  .take());
}

Checked<void> PayloadBuilder::check(std::span<const Seid> seids) const {
  for (const KeySource& source : payload_.key_sources()) {
    if (stays_in_token(source)) {
      for (const Seid& seid : seids) {
        KB_TRY(find_in_token(source, seid));
      }
      continue;
    }
    if (const auto* literal = std::get_if<LiteralKey>(&source)) {
      const SecretBytes octets = KB_TRY(keys_.literal_key(literal->name));
      if (seids.size() > 1) {
        return problem(Errc::kPolicy,
                       fmt::format("The payload puts the literal key \"{}\" into {} elements; "
                                   "nothing was ordered. One key never serves two elements: derive "
                                   "keys from a master key, or take them from a CSV file by SEID.",
                                   literal->name, seids.size()));
      }
      for (const Seid& seid : seids) {
        KB_TRY(keys_.check_claim(literal->name, octets, seid));
        KB_TRY(check_binding(literal->name, seid, payload_.target, literal->slot, keys_));
      }
    }
    for (const Seid& seid : seids) {
      if (const auto* derived = std::get_if<DerivedKey>(&source)) {
        KB_TRY(derive(*derived, seid));
      } else if (const auto* csv = std::get_if<CsvKey>(&source)) {
        const SecretBytes octets = KB_TRY(from_csv(*csv, seid));
        KB_TRY(keys_.check_claim(fmt::format("of {}, column {},", csv->file, csv->column), octets,
                                 seid));
      }
    }
  }
  if (payload_.agreement_key_version || payload_.own_delivery) {
    return {};  // no key set of ours opens a channel
  }
  for (const Seid& seid : seids) {
    const auto channel =
        KB_TRY(keys_.channel_keys(seid, payload_.security_domain, payload_.channel_key_version));
    if (!channel) {
      return problem(
          Errc::kNotFound,
          fmt::format("There are no channel keys of version {:02X} for security domain "
                      "{} of element {}; nothing was ordered. Import the key export of "
                      "the security module manager, or correct payload.channel.",
                      payload_.channel_key_version, payload_.security_domain.hex(), seid.hex()));
    }
  }
  return {};
}

Checked<envelope::Action> PayloadBuilder::put_key(const PlannedPutKey& planned,
                                                  const Seid& seid,
                                                  OrderPayload& payload) {
  envelope::PutKeyAction out{.old_key_version = planned.old_key_version,
                             .new_key_version = planned.new_key_version,
                             .first_key_identifier = planned.first_key_identifier,
                             .keys = {}};
  for (const KeySource& source : planned.keys) {
    envelope::PutKeyAction::Key entry;
    if (stays_in_token(source)) {
      InToken there = KB_TRY(find_in_token(source, seid));
      std::copy_n(there.check_value.begin(), entry.kcv.size(), entry.kcv.begin());
      there.key.check_value = there.check_value;
      payload.held.push_back({.action = payload.actions.size(),
                              .key = out.keys.size(),
                              .value = std::move(there.key)});
      out.keys.push_back(std::move(entry));
      continue;
    }
    entry.value = KB_TRY(key(source, seid));
    entry.kcv = KB_TRY(crypto::aes_kcv(entry.value.expose()));
    out.keys.push_back(std::move(entry));
  }
  return envelope::Action(std::move(out));
}

Checked<envelope::Action> PayloadBuilder::store_data(const PlannedStoreData& planned,
                                                     const Seid& seid) {
  KeyCheckValue last;
  std::vector<SecretBytes> parts;
  for (const PlannedStoreData::Group& group : planned.groups) {
    SecretBytes octets = KB_TRY(value(group.value, seid, last));
    parts.push_back(group_head(group.dgi, octets.size()));
    parts.push_back(std::move(octets));
  }
  return envelope::Action(
      envelope::StoreDataAction{.application = planned.application,
                                .under_key_dek = planned.under_key_dek,
                                .data = joined(parts),
                                .probe = KB_TRY(probe(planned.probe, seid, last))});
}

Checked<envelope::Action> PayloadBuilder::command(const PlannedCommand& planned, const Seid& seid) {
  KeyCheckValue last;
  std::vector<SecretBytes> parts;
  parts.reserve(planned.data.size());
  for (const PlannedValue& part : planned.data) {
    parts.push_back(KB_TRY(value(part, seid, last)));
  }
  return envelope::Action(
      envelope::CommandAction{.header = planned.header,
                              .data = joined(parts),
                              .probe = KB_TRY(probe(planned.probe, seid, last))});
}

Checked<OrderPayload> PayloadBuilder::build(const Seid& seid) {
  OrderPayload out;
  for (const PlannedAction& planned : payload_.actions) {
    if (const auto* put = std::get_if<PlannedPutKey>(&planned)) {
      out.actions.push_back(KB_TRY(put_key(*put, seid, out)));
    } else if (const auto* store = std::get_if<PlannedStoreData>(&planned)) {
      out.actions.push_back(KB_TRY(store_data(*store, seid)));
    } else if (const auto* gone = std::get_if<PlannedDeleteKey>(&planned)) {
      out.actions.emplace_back(envelope::DeleteKeyAction{.key_version = gone->key_version});
    } else {
      out.actions.push_back(KB_TRY(command(std::get<PlannedCommand>(planned), seid)));
    }
  }
  return out;
}

}  // namespace kagibin::roles::service_provider
