// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/key_information.h"

#include <algorithm>

#include "kagibin/base/byte_io.h"
#include "kagibin/gp/key/key_type.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::gp {

namespace {

constexpr tlv::Tag kTemplate = 0xE0;
constexpr tlv::Tag kEntry = 0xC0;
constexpr std::size_t kMostComponents = 100;
constexpr std::size_t kMostOctets = 2 + 4 * kMostComponents + 5;
constexpr std::uint8_t kLowestType = 0x80;  // what is less is the length of key usage

bool starts_extended(const ByteReader& fields) {
  return !fields.empty() && fields.peek_rest().front() == key_type::kExtended;
}

Result<void> read_basic(ByteReader& fields, KeyEntry& entry) {
  while (!fields.empty()) {
    if (starts_extended(fields)) {
      return fail(Errc::kValue, "key information tells a key in one format (GPCS 11.3.3.1)");
    }
    KeyComponent component;
    component.type = KB_TRY(fields.u8());
    component.length_bytes = KB_TRY(fields.u8());
    entry.components.push_back(component);
  }
  return {};
}

Result<void> read_extended(ByteReader& fields, KeyEntry& entry) {
  while (starts_extended(fields)) {
    KB_TRY(fields.u8());
    KeyComponent component;
    component.type = KB_TRY(fields.u8());
    component.length_bytes = KB_TRY(fields.u16());
    entry.components.push_back(component);
  }
  if (!fields.empty() && fields.peek_rest().front() >= kLowestType) {
    return fail(Errc::kValue, "key information tells a key in one format (GPCS 11.3.3.1)");
  }
  entry.policy = KB_TRY(KeyPolicy::read(fields));
  return fields.finish();
}

Result<KeyEntry> read_entry(ByteView octets) {
  ByteReader fields(octets);
  KeyEntry entry;
  entry.identifier = KB_TRY(fields.u8());
  entry.version = KB_TRY(fields.u8());
  if (starts_extended(fields)) {
    KB_TRY(read_extended(fields, entry));
  } else {
    KB_TRY(read_basic(fields, entry));
  }
  if (entry.components.size() > kMostComponents) {
    return fail(Errc::kLimit, "a key has at most 100 components");
  }
  return entry;
}

Bytes write_entry(const KeyEntry& key) {
  KB_CHECK(!key.components.empty() && key.components.size() <= kMostComponents);
  ByteWriter fields;
  fields.u8(key.identifier).u8(key.version);
  for (const KeyComponent& component : key.components) {
    if (key.policy) {
      fields.u8(key_type::kExtended).u8(component.type).u16(component.length_bytes);
    } else {
      KB_CHECK(component.length_bytes <= 0xFF);
      fields.u8(component.type).u8(static_cast<std::uint8_t>(component.length_bytes));
    }
  }
  if (key.policy) {
    key.policy->write(fields);
  }
  return fields.take();
}

}  // namespace

Result<KeyInformation> KeyInformation::decode(ByteView octets) {
  const tlv::Tlv all = KB_TRY(tlv::read_single(octets, kTemplate));
  tlv::TlvReader in(all.value);
  KeyInformation out;
  while (!in.empty()) {
    const tlv::Tlv one = KB_TRY(in.expect(kEntry, 4, kMostOctets));
    out.keys.push_back(KB_TRY(read_entry(one.value)));
  }
  return out;
}

Bytes KeyInformation::encode() const {
  tlv::TlvWriter entries;
  for (const KeyEntry& key : keys) {
    entries.put(kEntry, write_entry(key));
  }
  return tlv::encode(kTemplate, entries.view());
}

bool KeyInformation::holds(std::uint8_t version) const {
  return std::any_of(keys.begin(), keys.end(),
                     [&](const KeyEntry& key) { return key.version == version; });
}

bool KeyInformation::holds(std::uint8_t version, std::uint8_t identifier) const {
  return std::any_of(keys.begin(), keys.end(), [&](const KeyEntry& key) {
    return key.version == version && key.identifier == identifier;
  });
}

}  // namespace kagibin::gp
