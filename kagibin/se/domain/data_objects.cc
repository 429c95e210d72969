// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/data_objects.h"

#include <array>
#include <string>
#include <utility>

#include "kagibin/base/byte_io.h"
#include "kagibin/gp/card_data.h"
#include "kagibin/gp/get_data.h"
#include "kagibin/gp/key_information.h"
#include "kagibin/se/domain/data/card_information.h"
#include "kagibin/se/scp11/key_store_domain.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

constexpr std::uint16_t kKeyDerivationData = 0x00CF;
constexpr std::uint16_t kManagerUrl = 0x5F50;
constexpr std::uint16_t kCplc = 0x9F7F;
constexpr std::array<std::uint8_t, 2> kTagListOfAll{0x5C, 0x00};

std::string folder_of(const Aid& domain) { return "dat/" + domain.hex() + "/"; }

std::string name_of(const Aid& domain, std::uint16_t tag) {
  return folder_of(domain) + to_hex(ByteWriter().u16(tag).view());
}

// Empty for an object that is stored, or none.
Bytes made_object(const Platform& platform, const RegistryEntry& domain, std::uint16_t tag) {
  switch (tag) {
    case gp::data_object::kCardData:
      return card_data(domain.protocols);
    case gp::data_object::kCardCapabilityInformation:
      return card_capability(domain);
    case gp::data_object::kKeyInformation:
      return key_information(platform.keys, domain.aid);
    case gp::data_object::kSequenceCounter:
      return sequence_counter(platform.keys, domain.aid);
    case gp::data_object::kConfirmationCounter:
      return confirmation_counter(platform.keys, domain);
    case gp::data_object::kCardResources:
      return card_resources(platform, domain);
    default:
      return {};
  }
}

// All of it, whether 5C asks for all or nothing asks.
apdu::ResponseApdu get_applications(const DomainCommand& command) {
  if (!command.authenticated()) {
    return answer(sw::kSecurityStatusNotSatisfied.because(
        "the list of applications is told in a session, as GET STATUS is (GPCS 11.3, table 11-2)"));
  }
  if (!command.data.empty() && !equal(command.data, kTagListOfAll)) {
    return answer(
        sw::kWrongData.because("GET DATA 2F00 has no data, or the tag list 5C 00 (GPCS 11.3.2.3)"));
  }
  return answer(sw::kOk, list_of_applications(command.platform, command.domain));
}

}  // namespace

Bytes card_data(const std::vector<gp::ChannelProtocol>& protocols) {
  return gp::CardData{.protocols = protocols}.encode();
}

Bytes selection_data(const std::vector<gp::ChannelProtocol>& protocols) {
  const Bytes card = card_data(protocols);
  const auto recognition = tlv::read_single(card, gp::data_object::kCardData);
  KB_CHECK(recognition.has_value());
  Bytes out(recognition->value.begin(), recognition->value.end());
  append(out, tlv::encode(0x9F65, Bytes{0xFF}));
  return out;
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
  const std::uint16_t tag = command.tag();
  const Platform& platform = command.platform;
  const RegistryEntry& domain = command.domain;
  if (tag == gp::data_object::kApplicationList) {
    return get_applications(command);
  }
  if (!command.data.empty()) {
    return answer(sw::kWrongLength.because("GET DATA of this object has no data (GPCS 11.3.2.3)"));
  }
  Bytes out = made_object(platform, domain, tag);
  const SecretBytes* record = platform.nvm.get(name_of(domain.aid, tag));
  if (out.empty() && record != nullptr && (is_storable(tag) || tag == kCplc)) {
    out = tlv::encode(tag, record->expose());
  }
  if (out.empty() && tag == kKeyDerivationData) {
    out = tlv::encode(tag, platform.facts.diversification_data);
  }
  if (out.empty() && tag == gp::data_object::kCardResources) {
    return answer(sw::kReferencedDataNotFound.because(
        "FF21 is told by the ISD and by domains with Global Registry: it is of the whole card "
        "(GPCS 11.3.3.1; ETSI TS 102 226, 8.2.1.7.2)"));
  }
  return out.empty() ? answer(sw::kReferencedDataNotFound.because(
                           "the security domain has no such data object (GPCS 11.3.3.2)"))
                     : answer(sw::kOk, std::move(out));
}

}  // namespace kagibin::se
