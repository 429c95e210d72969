// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/keys/static_deks.h"

#include <algorithm>

#include <fmt/format.h>

#include "kagibin/base/byte_io.h"
#include "kagibin/roles/service_provider/keys/exclusive_keys.h"

namespace kagibin::roles::service_provider {

namespace {

constexpr std::string_view kKind = "static_dek";
constexpr std::uint8_t kShared = 0x00;
constexpr std::uint8_t kExclusive = 0x01;  // its origin was not noted
constexpr std::uint8_t kExclusiveOfOrigin = 0x02;

std::string label_of(ByteView record) { return fmt::format("{}/{}", kKind, to_hex(record)); }

}  // namespace

Result<void> StaticDeks::learn(const DomainKeyName& name,
                               const SecretBytes& key,
                               bool is_exclusive,
                               const std::optional<KeyOrigin>& origin) {
  ByteWriter head;
  head.u8(!is_exclusive ? kShared : !origin ? kExclusive : kExclusiveOfOrigin);
  if (is_exclusive && origin) {
    encode_origin(*origin, head);
  }
  SecretBytes plain(head.view().size() + key.size());
  const auto rest = std::ranges::copy(head.view(), plain.expose_mutable().begin()).out;
  std::ranges::copy(key.expose(), rest);
  const Bytes record = record_name(name);
  const Bytes blob = KB_TRY(keys_.seal(label_of(record), plain.expose()));
  if (is_exclusive && !KB_TRY(ExclusiveKeys(journal_, keys_).exposing_master(origin))) {
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
  ByteReader in(plain.expose());
  const auto how = in.u8();
  if (!how || *how > kExclusiveOfOrigin) {
    return fail(Errc::kEncoding, "a stored static Key-DEK is damaged");
  }
  std::optional<KeyOrigin> origin;
  if (*how == kExclusiveOfOrigin) {
    origin = KB_TRY(decode_origin(in));
  }
  StaticDek out{.key = SecretBytes::copy_of(in.take_rest())};
  const ExclusiveKeys exclusive(journal_, keys_);
  if (*how != kShared && !KB_TRY(exclusive.is_exposed(out.key.expose()))) {
    out.why_exposed = KB_TRY(exclusive.exposing_master(origin));
    out.is_exclusive = !out.why_exposed;
  }
  return std::optional(std::move(out));
}

}  // namespace kagibin::roles::service_provider
