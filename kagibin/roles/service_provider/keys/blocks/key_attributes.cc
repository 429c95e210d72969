// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/keys/blocks/key_attributes.h"

#include <algorithm>

#include "kagibin/base/byte_io.h"

namespace kagibin::roles::service_provider {
namespace {

constexpr std::uint8_t kFormat = 0x02;
constexpr std::uint8_t kFormatWithoutMarks = 0x01;
constexpr std::uint8_t kUnbound = 0x00;
constexpr std::uint8_t kBoundToTarget = 0x01;
constexpr std::uint8_t kBoundToSlot = 0x02;

std::string text_of(ByteView octets) { return {octets.begin(), octets.end()}; }

Result<KeyBinding> read_binding(ByteReader& in, bool with_slot) {
  const ByteView seid = KB_TRY(in.bytes(16));
  const std::uint8_t size = KB_TRY(in.u8());
  const ByteView target = KB_TRY(in.bytes(size));
  KeyBinding out{.seid = KB_TRY(Seid::from(seid)), .target = KB_TRY(Aid::from(target)), .slot = {}};
  if (with_slot) {
    KeySlot slot;
    slot.key_version = KB_TRY(in.u8());
    slot.key_identifier = KB_TRY(in.u8());
    out.slot = slot;
  }
  return out;
}

Result<StoredKey> read(ByteView octets) {
  ByteReader in(octets);
  StoredKey out;
  const std::uint8_t format = KB_TRY(in.u8());
  if (format != kFormat && format != kFormatWithoutMarks) {
    return fail(Errc::kEncoding, "the attributes of a stored key are of another format");
  }
  const ByteView usage = KB_TRY(in.bytes(2));
  const ByteView mode = KB_TRY(in.bytes(1));
  const ByteView version = KB_TRY(in.bytes(2));
  const ByteView exportability = KB_TRY(in.bytes(1));
  out.attributes = {.key_usage = text_of(usage),
                    .mode_of_use = static_cast<char>(mode[0]),
                    .key_version_number = text_of(version),
                    .exportability = static_cast<char>(exportability[0])};
  const std::uint8_t bound = KB_TRY(in.u8());
  if (bound > kBoundToSlot) {
    return fail(Errc::kEncoding, "the attributes of a stored key are of another format");
  }
  if (bound != kUnbound) {
    out.attributes.binding = KB_TRY(read_binding(in, bound == kBoundToSlot));
  }
  out.key = SecretBytes::copy_of(in.take_rest());
  out.marks_are_kept = format == kFormat;
  return out;
}

}  // namespace

SecretBytes StoredKey::encode() const {
  ByteWriter head;
  head.u8(kFormat)
      .bytes(ascii(attributes.key_usage))
      .u8(static_cast<std::uint8_t>(attributes.mode_of_use))
      .bytes(ascii(attributes.key_version_number))
      .u8(static_cast<std::uint8_t>(attributes.exportability));
  if (!attributes.binding) {
    head.u8(kUnbound);
  } else {
    const KeyBinding& binding = *attributes.binding;
    head.u8(binding.slot ? kBoundToSlot : kBoundToTarget)
        .bytes(binding.seid.view())
        .u8(static_cast<std::uint8_t>(binding.target.size()))
        .bytes(binding.target.view());
    if (binding.slot) {
      head.u8(binding.slot->key_version).u8(binding.slot->key_identifier);
    }
  }
  SecretBytes out(head.view().size() + key.size());
  const auto rest = std::ranges::copy(head.view(), out.expose_mutable().begin()).out;
  std::ranges::copy(key.expose(), rest);
  return out;
}

Result<StoredKey> StoredKey::decode(ByteView octets) {
  auto out = read(octets);
  if (!out) {
    return fail(Errc::kEncoding, "the attributes of a stored key are damaged");
  }
  return out;
}

}  // namespace kagibin::roles::service_provider
