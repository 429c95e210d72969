// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/keys/token_element_keys.h"

#include <algorithm>

#include <fmt/format.h>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/roles/service_provider/keys/exclusive_keys.h"

namespace kagibin::roles::service_provider {
namespace {

constexpr std::string_view kHeld = "held.";
constexpr std::string_view kOwnRecords[] = {"literal.", "bound.", kHeld};
constexpr std::string_view kCheckLabel = "KB1-LCV";

std::string record_of(std::string_view name) { return std::string(kHeld).append(name); }

Checked<crypto::KeyTokens*> tokens_of(const KeyStore& keys) {
  if (keys.tokens() == nullptr) {
    return problem(Errc::kNotSupported, "The key is in a token, and there is no way to it here.");
  }
  return keys.tokens();
}

Checked<void> refuse_taken(std::string_view name, const KeyStore& keys) {
  for (const std::string_view kind : kOwnRecords) {
    if (keys.has_record(std::string(kind).append(name))) {
      return problem(Errc::kConflict,
                     fmt::format("There is a key \"{}\" already, which is kept as it is; nothing "
                                 "was made. Choose another name.",
                                 name));
    }
  }
  return {};
}

std::unexpected<Problem> no_key(std::string_view name, const Error& error) {
  return problem(error.code,
                 error.code == Errc::kNotSupported
                     ? fmt::format("The key \"{}\" cannot be delivered out of the token: {}. Other "
                                   "keys in it still sign, agree and derive; a key in an encrypted "
                                   "record is delivered without policy.token_only.",
                                   name, error.detail.text())
                     : fmt::format("The key \"{}\" is in a token: {}.", name, error.detail.text()));
}

// One key serves one element, whatever it is called.
Checked<void> claim(std::string_view name, const TokenElementKey& key, KeyStore& keys) {
  const SecretBytes what =
      SecretBytes::copy_of(ByteWriter()
                               .bytes(ascii(kCheckLabel))
                               .u8(static_cast<std::uint8_t>(key.key.size_bytes))
                               .bytes(key.check_value)
                               .view());
  return keys.claim_key(name, what, key.binding.seid);
}

Checked<TokenElementKey> keep(const TokenElementKeyPlan& plan,
                              std::size_t size_bytes,
                              const crypto::LongCheckValue& check_value,
                              KeyStore& keys) {
  TokenElementKey out{.key = {.uri = plan.place.uri, .size_bytes = size_bytes},
                      .check_value = check_value,
                      .binding = plan.binding};
  KB_TRY(claim(plan.name, out, keys));
  const StoredKey record{.attributes = {.binding = plan.binding},
                         .key = SecretBytes::copy_of(ByteWriter()
                                                         .u8(static_cast<std::uint8_t>(size_bytes))
                                                         .bytes(check_value)
                                                         .bytes(ascii(plan.place.uri))
                                                         .view())};
  KB_TRY(keys.put_new_record(record_of(plan.name), record.encode()));
  return out;
}

Result<TokenElementKey> decode(const SecretBytes& record) {
  const StoredKey stored = KB_TRY(StoredKey::decode(record.expose()));
  if (!stored.attributes.binding) {
    return fail(Errc::kEncoding, "the record of a key in a token is damaged");
  }
  ByteReader in(stored.key.expose());
  TokenElementKey out{.key = {}, .binding = *stored.attributes.binding};
  out.key.size_bytes = KB_TRY(in.u8());
  const ByteView check_value = KB_TRY(in.bytes(out.check_value.size()));
  std::ranges::copy(check_value, out.check_value.begin());
  const ByteView uri = in.take_rest();
  out.key.uri.assign(uri.begin(), uri.end());
  if (!crypto::is_aes_key_size(out.key.size_bytes) || uri.empty()) {
    return fail(Errc::kEncoding, "the record of a key in a token is damaged");
  }
  return out;
}

}  // namespace

Checked<TokenElementKey> create_token_element_key(const TokenElementKeyPlan& plan,
                                                  std::size_t size_bytes,
                                                  KeyStore& keys) {
  KB_TRY(refuse_taken(plan.name, keys));
  crypto::KeyTokens& tokens = *KB_TRY(tokens_of(keys));
  crypto::Founding made(&tokens);
  const auto there = plan.place.is_made_there
                         ? tokens.generate_wrap_only_key(plan.place.uri, size_bytes)
                         : tokens.check_value({.uri = plan.place.uri, .size_bytes = size_bytes});
  if (!there) {
    return no_key(plan.name, there.error());
  }
  made.note_key(plan.place);
  TokenElementKey out = KB_TRY(keep(plan, size_bytes, *there, keys));
  made.keep();
  return out;
}

Checked<TokenElementKey> put_token_element_key(const TokenElementKeyPlan& plan,
                                               const SecretBytes& key,
                                               KeyStore& keys) {
  KB_TRY(refuse_taken(plan.name, keys));
  if (!crypto::is_aes_key_size(key.size())) {
    return problem(Errc::kLength,
                   fmt::format("The key \"{}\" is not an AES key of 16, 24 or 32 octets; nothing "
                               "was stored.",
                               plan.name));
  }
  crypto::KeyTokens& tokens = *KB_TRY(tokens_of(keys));
  KB_TRY(keys.check_claim(plan.name, key, plan.binding.seid));
  crypto::Founding made(&tokens);
  const auto there = tokens.put_wrap_only_key(plan.place.uri, key);
  if (!there) {
    return no_key(plan.name, there.error());
  }
  made.note_key({.uri = plan.place.uri, .is_made_there = true});
  const auto kcv = KB_TRY(crypto::aes_kcv(key.expose()));
  if (!std::ranges::equal(kcv, std::span(*there).first(kcv.size()))) {
    return problem(Errc::kUntrusted,
                   fmt::format("The token encrypts by something else than the key \"{}\" that was "
                               "put into it; it was destroyed there again.",
                               plan.name));
  }
  // Once the token has it: one that cannot seal binds no key. The key itself, as a literal one
  // would be.
  KB_TRY(keys.claim_key(plan.name, key, plan.binding.seid));
  KB_TRY(ExclusiveKeys(keys.journal(), keys).expose_unseen(plan.name, key));
  TokenElementKey out = KB_TRY(keep(plan, key.size(), *there, keys));
  made.keep();
  return out;
}

bool is_token_element_key(std::string_view name, const KeyStore& keys) {
  return keys.has_record(record_of(name));
}

Checked<TokenElementKey> find_token_element_key(std::string_view name, const KeyStore& keys) {
  const auto record = keys.record(record_of(name));
  if (!record) {
    return no_key(name, record.error());
  }
  TokenElementKey out = KB_TRY(decode(*record));
  crypto::KeyTokens& tokens = *KB_TRY(tokens_of(keys));
  const auto now = tokens.check_value(out.key);
  if (!now) {
    return no_key(name, now.error());
  }
  if (*now != out.check_value) {
    return problem(Errc::kUntrusted,
                   fmt::format("The token has another key under the name of \"{}\" than when it "
                               "was put to use; nothing was done with it.",
                               name));
  }
  return out;
}

Checked<void> check_token_binding(std::string_view name,
                                  const TokenElementKey& key,
                                  const Seid& seid,
                                  const Aid& target,
                                  const std::optional<KeySlot>& slot) {
  const KeyBinding& binding = key.binding;
  if (binding.seid == seid && binding.target == target && (!binding.slot || binding.slot == slot)) {
    return {};
  }
  return problem(
      Errc::kPolicy,
      fmt::format("The key \"{}\" in the token is for target {} of element {}{}, and the payload "
                  "puts it into target {} of element {}{}; nothing was ordered.",
                  name, binding.target.hex(), binding.seid.hex(),
                  binding.slot
                      ? fmt::format(", key version {:02X}, key identifier {:02X}",
                                    binding.slot->key_version, binding.slot->key_identifier)
                      : "",
                  target.hex(), seid.hex(),
                  slot ? fmt::format(", key version {:02X}, key identifier {:02X}",
                                     slot->key_version, slot->key_identifier)
                       : ""));
}

}  // namespace kagibin::roles::service_provider
