// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/keys/static_deks.h"

#include <algorithm>

#include <fmt/format.h>

#include "kagibin/roles/service_provider/keys/exclusive_keys.h"

namespace kagibin::roles::service_provider {

namespace {

constexpr std::string_view kKind = "static_dek";
constexpr std::uint8_t kExclusive = 0x01;

std::string label_of(ByteView record) { return fmt::format("{}/{}", kKind, to_hex(record)); }

}  // namespace

Result<void> StaticDeks::learn(const DomainKeyName& name,
                               const SecretBytes& key,
                               bool is_exclusive) {
  SecretBytes plain(key.size() + 1);
  plain.expose_mutable()[0] = is_exclusive ? kExclusive : std::uint8_t{0};
  std::ranges::copy(key.expose(), plain.expose_mutable().subspan(1).begin());
  const Bytes record = record_name(name);
  const Bytes blob = KB_TRY(keys_.seal(label_of(record), plain.expose()));
  if (is_exclusive) {
    KB_TRY(ExclusiveKeys(journal_, keys_).keep_from_rl1(key.expose()));
  }
  return journal_.put_record(kKind, record, blob);
}

Result<void> StaticDeks::forget(const DomainKeyName& name) {
  return journal_.put_record(kKind, record_name(name), {});
}

Result<std::optional<StaticDek>> StaticDeks::find(const DomainKeyName& name) const {
  const Bytes record = record_name(name);
  const auto blob = KB_TRY(journal_.find_record(kKind, record));
  if (!blob || blob->empty()) {
    return std::optional<StaticDek>();
  }
  const SecretBytes plain = KB_TRY(keys_.unseal(label_of(record), *blob));
  if (plain.empty()) {
    return fail(Errc::kEncoding, "a stored static Key-DEK is damaged");
  }
  StaticDek out{.key = SecretBytes::copy_of(plain.expose().subspan(1))};
  const bool is_exposed = KB_TRY(ExclusiveKeys(journal_, keys_).is_exposed(out.key.expose()));
  out.is_exclusive = plain.expose()[0] == kExclusive && !is_exposed;
  return std::optional(std::move(out));
}

}  // namespace kagibin::roles::service_provider
