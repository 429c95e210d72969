// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/key_information.h"

#include <algorithm>

#include "kagibin/base/byte_io.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::gp {

namespace {

constexpr tlv::Tag kTemplate = 0xE0;
constexpr tlv::Tag kEntry = 0xC0;
constexpr std::uint8_t kExtendedForm = 0xFF;
constexpr std::size_t kMostComponents = 100;

}  // namespace

Result<KeyInformation> KeyInformation::decode(ByteView octets) {
  const tlv::Tlv all = KB_TRY(tlv::read_single(octets, kTemplate));
  tlv::TlvReader in(all.value);
  KeyInformation out;
  while (!in.empty()) {
    const tlv::Tlv one = KB_TRY(in.expect(kEntry, 4, 2 + 2 * kMostComponents));
    ByteReader fields(one.value);
    KeyEntry entry;
    entry.identifier = KB_TRY(fields.u8());
    entry.version = KB_TRY(fields.u8());
    while (!fields.empty()) {
      KeyComponent component;
      component.type = KB_TRY(fields.u8());
      if (component.type == kExtendedForm) {
        return fail(Errc::kNotSupported, "key information in the extended form is not read");
      }
      component.length_bytes = KB_TRY(fields.u8());
      entry.components.push_back(component);
    }
    out.keys.push_back(std::move(entry));
  }
  return out;
}

Bytes KeyInformation::encode() const {
  tlv::TlvWriter entries;
  for (const KeyEntry& key : keys) {
    KB_CHECK(!key.components.empty() && key.components.size() <= kMostComponents);
    ByteWriter fields;
    fields.u8(key.identifier).u8(key.version);
    for (const KeyComponent& component : key.components) {
      fields.u8(component.type).u8(component.length_bytes);
    }
    entries.put(kEntry, fields.view());
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
