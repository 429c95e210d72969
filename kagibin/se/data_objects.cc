// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/data_objects.h"

#include <algorithm>
#include <string>

#include "kagibin/base/byte_io.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

constexpr std::uint16_t kIin = 0x0042;
constexpr std::uint16_t kCin = 0x0045;
constexpr std::uint16_t kCardData = 0x0066;
constexpr std::uint16_t kKeyDerivationData = 0x00CF;
constexpr std::uint16_t kKeyInformation = 0x00E0;
constexpr std::uint16_t kManagerUrl = 0x5F50;
constexpr std::uint16_t kCplc = 0x9F7F;

std::string folder_of(const Aid& domain) { return "dat/" + domain.hex() + "/"; }

std::string name_of(const Aid& domain, std::uint16_t tag) {
  return folder_of(domain) + to_hex(ByteWriter().u16(tag).view());
}

// An object identifier below 1.2.840.114283 (GlobalPlatform).
Bytes object_identifier(std::initializer_list<std::uint8_t> tail) {
  Bytes out{0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B};
  out.insert(out.end(), tail);
  return tlv::encode(0x06, out);
}

}  // namespace

Bytes card_data(std::uint8_t scp03_i) {
  constexpr std::uint8_t kScp03 = 0x03;
  tlv::TlvWriter recognition;
  recognition.raw(object_identifier({0x01}));
  recognition.put(0x60, object_identifier({0x02, 0x02, 0x03, 0x01}));  // GPCS 2.3.1
  recognition.put(0x63, object_identifier({0x03}));
  recognition.put(0x64, object_identifier({0x04, kScp03, scp03_i}));
  return tlv::encode(0x66, tlv::encode(0x73, recognition.view()));
}

Bytes key_information(const KeyStore& keys, const Aid& domain) {
  tlv::TlvWriter entries;
  for (const KeyFacts& key : keys.keys(domain)) {
    entries.put(0xC0, Bytes{key.name.identifier, key.name.version, key.type, key.length});
  }
  return tlv::encode(0xE0, entries.view());
}

bool is_storable(std::uint16_t tag) {
  return tag == kIin || tag == kCin || tag == kKeyDerivationData || tag == kManagerUrl;
}

Result<void> put_data_object(Nvm& nvm, const Aid& domain, std::uint16_t tag, ByteView value) {
  if (value.empty()) {
    return nvm.erase(name_of(domain, tag));
  }
  return nvm.put(name_of(domain, tag), value);
}

Result<void> erase_data_objects(Nvm& nvm, const Aid& domain) {
  for (const std::string& name : nvm.names(folder_of(domain))) {
    KB_TRY(nvm.erase(name));
  }
  return {};
}

apdu::ResponseApdu get_data(const DomainCommand& command) {
  const auto tag = static_cast<std::uint16_t>((command.p1 << 8U) | command.p2);
  const Platform& platform = command.platform;
  if (tag == kCardData) {
    return answer(sw::kOk, card_data(command.domain.scp03_i));
  }
  if (tag == kKeyInformation) {
    return answer(sw::kOk, key_information(platform.keys, command.domain.aid));
  }
  const SecretBytes* record = platform.nvm.get(name_of(command.domain.aid, tag));
  if (record != nullptr && (is_storable(tag) || tag == kCplc)) {
    return answer(sw::kOk, tlv::encode(tag, record->expose()));
  }
  if (tag == kKeyDerivationData) {
    return answer(sw::kOk, tlv::encode(tag, platform.facts.diversification_data));
  }
  return answer(sw::kReferencedDataNotFound);
}

}  // namespace kagibin::se
