// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/data_objects.h"

#include <string>

#include "kagibin/base/byte_io.h"
#include "kagibin/gp/card_data.h"
#include "kagibin/gp/get_data.h"
#include "kagibin/gp/key_information.h"
#include "kagibin/se/scp11/key_store_domain.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

constexpr std::uint16_t kKeyDerivationData = 0x00CF;
constexpr std::uint16_t kManagerUrl = 0x5F50;
constexpr std::uint16_t kCplc = 0x9F7F;

std::string folder_of(const Aid& domain) { return "dat/" + domain.hex() + "/"; }

std::string name_of(const Aid& domain, std::uint16_t tag) {
  return folder_of(domain) + to_hex(ByteWriter().u16(tag).view());
}

}  // namespace

Bytes card_data(const std::vector<gp::ChannelProtocol>& protocols) {
  return gp::CardData{.protocols = protocols}.encode();
}

Bytes key_information(const KeyStore& keys, const Aid& domain) {
  return keys.information(domain).encode();
}

bool is_storable(std::uint16_t tag) {
  return tag == gp::data_object::kIssuerIdentification ||
         tag == gp::data_object::kCardImageNumber || tag == kKeyDerivationData ||
         tag == kManagerUrl || tag == kProviderIdentifier;
}

Bytes data_object(const Nvm& nvm, const Aid& domain, std::uint16_t tag) {
  const SecretBytes* record = nvm.get(name_of(domain, tag));
  return record == nullptr ? Bytes{} : Bytes(record->expose().begin(), record->expose().end());
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
  if (!command.data.empty()) {
    return answer(sw::kWrongLength);
  }
  if (tag == gp::data_object::kCardData) {
    return answer(sw::kOk, card_data(command.domain.protocols));
  }
  if (tag == gp::data_object::kKeyInformation) {
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
