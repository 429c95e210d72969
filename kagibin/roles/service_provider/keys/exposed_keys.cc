// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/keys/exposed_keys.h"

#include <array>

#include <fmt/format.h>

#include "kagibin/crypto/sha256.h"
#include "kagibin/roles/service_provider/keys/blocks/key_attributes.h"

namespace kagibin::roles::service_provider {

namespace {

constexpr std::string_view kExposedKind = "exposed_key";
constexpr std::string_view kMark = "exposed.master.";
constexpr std::string_view kMasterAttributes = "attributes.master.";
constexpr std::string_view kBound = "bound.";
constexpr std::uint8_t kThere = 0x01;

crypto::Digest256 fingerprint(ByteView key) { return crypto::sha256({ascii("KB1-KFP"), key}); }

std::string record_of(std::string_view prefix, std::string_view name) {
  return std::string(prefix).append(name);
}

Result<bool> is_of_an_older_program(const KeyStore& keys, std::string_view record) {
  const SecretBytes octets = KB_TRY(keys.record(record));
  const StoredKey stored = KB_TRY(StoredKey::decode(octets.expose()));
  return !stored.marks_are_kept;
}

}  // namespace

std::string sentence(std::string_view master, Exposure how) {
  const auto* const what = [how] {
    switch (how) {
      case Exposure::kCame:
        return "came as a key block";
      case Exposure::kWent:
        return "went out as a key block";
      case Exposure::kShared:
        return "was made in a ceremony together with another end";
      case Exposure::kStated:
        return "was said to be known to others";
      case Exposure::kUnknown:
        break;
    }
    return "was kept by an older program, which did not say whether others have it";
  }();
  return fmt::format("master key \"{}\" {}", master, what);
}

Result<void> ExposedKeys::add(ByteView key) {
  return keys_.journal().put_record(kExposedKind, fingerprint(key), Bytes{kThere});
}

Result<bool> ExposedKeys::has(ByteView key) const {
  const auto known = KB_TRY(keys_.journal().find_record(kExposedKind, fingerprint(key)));
  return known.has_value();
}

Result<void> ExposedKeys::add_master(std::string_view name, Exposure how) {
  const auto put = keys_.put_new_record(
      record_of(kMark, name), SecretBytes::copy_of(std::array{static_cast<std::uint8_t>(how)}));
  if (!put && put.error().code == Errc::kConflict) {
    return {};
  }
  return put;
}

Result<std::optional<Exposure>> ExposedKeys::master(std::string_view name) const {
  const std::string mark = record_of(kMark, name);
  if (keys_.has_record(mark)) {
    const SecretBytes octets = KB_TRY(keys_.record(mark));
    const std::uint8_t how = octets.empty() ? std::uint8_t{0} : octets.expose()[0];
    const bool is_known = how >= static_cast<std::uint8_t>(Exposure::kCame) &&
                          how <= static_cast<std::uint8_t>(Exposure::kStated);
    return std::optional(is_known ? static_cast<Exposure>(how) : Exposure::kUnknown);
  }
  const std::string attributes = record_of(kMasterAttributes, name);
  if (keys_.has_record(attributes) && KB_TRY(is_of_an_older_program(keys_, attributes))) {
    return std::optional(Exposure::kUnknown);
  }
  return std::optional<Exposure>();
}

Result<bool> ExposedKeys::has_unknown() const {
  for (const std::string_view prefix : {kMasterAttributes, kBound}) {
    for (const std::string& record : KB_TRY(keys_.record_names(prefix))) {
      if (KB_TRY(is_of_an_older_program(keys_, record))) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace kagibin::roles::service_provider
