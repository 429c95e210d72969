// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/keys/ceremony/key_ceremony.h"

#include <algorithm>

#include <fmt/format.h>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/cipher/aes.h"

namespace kagibin::roles::service_provider {
namespace {

// The record: 01 | purpose | components | size | exportability | dual control | length of check
// value | check value | then number and octets of each component that was entered.
constexpr std::uint8_t kFormat = 0x01;
constexpr std::size_t kLongestCheckValue = 10;

bool is_zero(const SecretBytes& octets) {
  return ct_equal(octets.expose(), SecretBytes(octets.size()).expose());
}

SecretBytes sum_of(const std::map<std::uint8_t, SecretBytes>& components, std::size_t size) {
  SecretBytes out(size);
  for (const auto& [number, component] : components) {
    for (std::size_t i = 0; i < size; ++i) {
      out.expose_mutable()[i] ^= component.expose()[i];
    }
  }
  return out;
}

std::string missing(const KeyCeremony& ceremony) {
  std::string out;
  for (std::uint8_t number = 1; number <= ceremony.plan().components; ++number) {
    if (!ceremony.has(number)) {
      out += fmt::format("{}{}", out.empty() ? "" : " and ", number);
    }
  }
  return out;
}

}  // namespace

Checked<void> KeyCeremony::check_plan(const CeremonyPlan& plan) {
  if (plan.components < 2 || plan.components > 3) {
    return problem(Errc::kInvalidArgument, "A ceremony has 2 or 3 components.");
  }
  if (!crypto::is_aes_key_size(plan.size_bytes)) {
    return problem(Errc::kInvalidArgument, "The key of a ceremony has 16, 24 or 32 octets.");
  }
  if (std::string_view("ENS").find(plan.exportability) == std::string_view::npos ||
      plan.purpose == KeyPurpose::kElementKey ||
      (plan.dual_control && plan.purpose != KeyPurpose::kMasterKey)) {
    return problem(Errc::kInvalidArgument,
                   "A ceremony makes a protection key or a master key, of exportability E, N or S; "
                   "dual control is for master keys.");
  }
  const auto digits = from_hex(plan.check_value);
  if (!digits || plan.check_value.size() > kLongestCheckValue ||
      (!digits->empty() && digits->size() < 3)) {
    return problem(Errc::kInvalidArgument,
                   "A check value is 6 or 10 hexadecimal digits, as the form shows it.");
  }
  return {};
}

Checked<KeyCeremony> KeyCeremony::start(std::string_view name,
                                        const CeremonyPlan& plan,
                                        KeyStore& keys) {
  KB_TRY(check_plan(plan));
  KeyCeremony out(name, plan, keys);
  if (keys.has_record(out.record())) {
    return problem(
        Errc::kConflict,
        fmt::format("A ceremony for \"{}\" is under way; enter its components, or end it "
                    "by: kagibin provider ceremony abandon {}.",
                    name, name));
  }
  if (has_stored_key(plan.purpose, name, keys)) {
    return problem(
        Errc::kConflict,
        fmt::format("There is a {} \"{}\" already, which is kept as it is. Choose another "
                    "name.",
                    service_provider::name(plan.purpose), name));
  }
  KB_TRY(keys.put_new_record(out.record(), out.encode()));
  return out;
}

Checked<KeyCeremony> KeyCeremony::resume(std::string_view name, KeyStore& keys) {
  KeyCeremony out(name, {}, keys);
  const auto record = keys.record(out.record());
  if (!record && record.error().code == Errc::kNotFound) {
    return problem(Errc::kNotFound,
                   fmt::format("There is no ceremony for \"{}\" under way; begin one by: kagibin "
                               "provider ceremony start {}.",
                               name, name));
  }
  if (!record) {
    return std::unexpected(Problem(record.error()));
  }
  KB_TRY(out.decode(record->expose()));
  return out;
}

SecretBytes KeyCeremony::encode() const {
  ByteWriter head;
  head.u8(kFormat)
      .u8(static_cast<std::uint8_t>(plan_.purpose))
      .u8(plan_.components)
      .u8(plan_.size_bytes)
      .u8(static_cast<std::uint8_t>(plan_.exportability))
      .u8(plan_.dual_control ? 1 : 0)
      .u8(static_cast<std::uint8_t>(plan_.check_value.size()))
      .bytes(ascii(plan_.check_value));
  SecretBytes out(head.view().size() + entered_.size() * (1U + plan_.size_bytes));
  auto at = std::ranges::copy(head.view(), out.expose_mutable().begin()).out;
  for (const auto& [number, component] : entered_) {
    *at++ = number;
    at = std::ranges::copy(component.expose(), at).out;
  }
  return out;
}

Result<void> KeyCeremony::decode(ByteView octets) {
  ByteReader in(octets);
  const std::uint8_t format = KB_TRY(in.u8());
  const std::uint8_t purpose = KB_TRY(in.u8());
  plan_.components = KB_TRY(in.u8());
  plan_.size_bytes = KB_TRY(in.u8());
  plan_.exportability = static_cast<char>(KB_TRY(in.u8()));
  plan_.dual_control = KB_TRY(in.u8()) != 0;
  const std::uint8_t length = KB_TRY(in.u8());
  const ByteView check_value = KB_TRY(in.bytes(length));
  plan_.check_value = std::string(check_value.begin(), check_value.end());
  plan_.purpose = purpose == static_cast<std::uint8_t>(KeyPurpose::kMasterKey)
                      ? KeyPurpose::kMasterKey
                      : KeyPurpose::kProtectionKey;
  while (!in.empty()) {
    const std::uint8_t number = KB_TRY(in.u8());
    const ByteView component = KB_TRY(in.bytes(plan_.size_bytes));
    entered_.emplace(number, SecretBytes::copy_of(component));
  }
  if (format != kFormat || !check_plan(plan_)) {
    return fail(Errc::kEncoding, "the record of the ceremony is damaged");
  }
  return {};
}

Checked<crypto::CheckValues> KeyCeremony::enter(std::uint8_t number,
                                                const SecretBytes& component,
                                                std::string_view check_value) {
  if (number < 1 || number > plan_.components) {
    return problem(Errc::kInvalidArgument,
                   fmt::format("The ceremony for \"{}\" has components 1 to {}; nothing was taken.",
                               name_, plan_.components));
  }
  if (has(number)) {
    return problem(
        Errc::kConflict,
        fmt::format("Component {} of \"{}\" was entered already and is kept; missing is "
                    "{}.",
                    number, name_, is_complete() ? std::string("none: finish") : missing(*this)));
  }
  if (component.size() != plan_.size_bytes) {
    return problem(Errc::kLength,
                   fmt::format("A component of \"{}\" has {} octets, and this one has {}; nothing "
                               "was taken.",
                               name_, plan_.size_bytes, component.size()));
  }
  const crypto::CheckValues values = KB_TRY(crypto::check_values(component));
  if (!values.matches(check_value)) {
    return problem(
        Errc::kValue,
        fmt::format("Component {} of \"{}\" has another check value than the form: a digit "
                    "was typed wrong, or it is another component (this one has {} by "
                    "CMAC, {} by encryption of zeros). Nothing was taken; enter it again.",
                    number, name_, to_hex(values.cmac), to_hex(values.legacy)));
  }
  if (is_zero(component)) {
    return problem(Errc::kPolicy,
                   "A component of zeros adds nothing to the key, and its custodian "
                   "would hold none of it; nothing was taken.");
  }
  for (const auto& [other, known] : entered_) {
    if (ct_equal(known.expose(), component.expose())) {
      return problem(Errc::kPolicy,
                     fmt::format("Component {} is component {} again: together they would cancel. "
                                 "Every custodian brings one of their own; nothing was taken.",
                                 number, other));
    }
  }
  entered_.emplace(number, component.duplicate());
  const auto put = keys_->put_record(record(), encode());
  if (!put) {
    entered_.erase(number);
    return std::unexpected(Problem(put.error()));
  }
  return values;
}

Checked<void> KeyCeremony::store(const SecretBytes& key, const std::string& token_uri) {
  const bool is_master = plan_.purpose == KeyPurpose::kMasterKey;
  const StoredKey stored{.attributes = {.key_usage = is_master ? "B3" : "K1",
                                        .mode_of_use = is_master ? 'X' : 'B',
                                        .key_version_number = "00",
                                        .exportability = plan_.exportability},
                         .key = key.duplicate()};
  if (has_stored_key(plan_.purpose, name_, *keys_)) {
    // A finish that was cut short between the key and the end of the ceremony.
    const auto is_it = [&]() -> Checked<bool> {
      if (is_master) {
        return keys_->is_master_key(name_, key);
      }
      const StoredKey there = KB_TRY(stored_key(plan_.purpose, name_, *keys_));
      return ct_equal(there.key.expose(), key.expose());
    };
    if (KB_TRY(is_it())) {
      return {};
    }
    return problem(Errc::kConflict,
                   fmt::format("There is another {} \"{}\" by now, which is kept as it is. Abandon "
                               "the ceremony and begin it under another name.",
                               service_provider::name(plan_.purpose), name_));
  }
  return add_stored_key(
      plan_.purpose, name_, stored, *keys_, plan_.dual_control, token_uri,
      plan_.check_value.empty() ? std::nullopt : std::optional(Exposure::kShared));
}

Checked<crypto::CheckValues> KeyCeremony::finish(const std::string& token_uri) {
  if (!is_complete()) {
    return problem(Errc::kState, fmt::format("The ceremony for \"{}\" still lacks component {}; "
                                             "nothing was made.",
                                             name_, missing(*this)));
  }
  const SecretBytes key = sum_of(entered_, plan_.size_bytes);
  const crypto::CheckValues values = KB_TRY(crypto::check_values(key));
  if (is_zero(key)) {
    return problem(Errc::kPolicy,
                   "The components cancel each other, and the key would be zeros; "
                   "abandon the ceremony and make new components.");
  }
  if (!plan_.check_value.empty() && !values.matches(plan_.check_value)) {
    return problem(
        Errc::kValue,
        fmt::format("The key of the ceremony has check value {}, and {} was agreed on: a "
                    "component is another one than at the other end. No key was made; "
                    "abandon the ceremony and begin again.",
                    to_hex(values.cmac), plan_.check_value));
  }
  KB_TRY(store(key, token_uri));
  KB_TRY(keys_->erase_record(record()));
  entered_.clear();
  return values;
}

Checked<void> KeyCeremony::abandon() {
  KB_TRY(keys_->erase_record(record()));
  entered_.clear();
  return {};
}

}  // namespace kagibin::roles::service_provider
