// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/data/card_information.h"

#include <algorithm>
#include <limits>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/curve/curve.h"
#include "kagibin/gp/card/card_capability.h"
#include "kagibin/gp/get_data.h"
#include "kagibin/scp/protocol_identifier.h"
#include "kagibin/scp/scp11/scp11.h"
#include "kagibin/se/open/content/hierarchy.h"
#include "kagibin/se/open/content/memory.h"
#include "kagibin/se/open/content/privilege_rules.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace {

using gp::Privileges;

constexpr std::uint8_t kEveryAesKeySize = 0x07;
constexpr std::uint8_t kSha256 = 0x02;  // the hash that load files are known by
// RSA with SHA-1 and PSS, CMAC of three sizes, ECDSA over P-256 and P-384 (gp/delegated).
constexpr std::uint8_t kSchemesOfTokens = 0xFB;
constexpr std::uint8_t kSchemes = 0xFF;  // the 3DES MAC, too

gp::CardCapability::Protocol protocol_of(const gp::ChannelProtocol& protocol) {
  gp::CardCapability::Protocol out{.scp = protocol.scp};
  // Of SCP11 the octets that the arc in 66 has: b8 of the first announces the second (Amendment F,
  // 7.1).
  const auto scp11 = protocol.scp == scp::kScp11 ? scp::Scp11Parameter::from(protocol.parameter)
                                                 : fail(Errc::kNotSupported, "another protocol");
  out.options =
      scp11 ? scp11->octets() : Bytes{static_cast<std::uint8_t>(protocol.parameter & 0xFFU)};
  if (protocol.scp == scp::kScp03) {
    out.key_sizes = kEveryAesKeySize;
  }
  return out;
}

std::uint32_t capped(std::uint64_t octets) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::min(octets, kMost));
}

}  // namespace

Bytes card_capability(const RegistryEntry& domain) {
  gp::CardCapability out{.domain_privileges = Privileges{kGivenToDomains},
                         .application_privileges = Privileges{kGivenToApplications},
                         .hashes = {kSha256},
                         .token_schemes = {kSchemesOfTokens},
                         .receipt_schemes = {kSchemes},
                         .dap_schemes = {kSchemes},
                         .curves = {crypto::key_parameter_reference(crypto::Curve::kP256),
                                    crypto::key_parameter_reference(crypto::Curve::kP384)}};
  for (const gp::ChannelProtocol& protocol : domain.protocols) {
    out.protocols.push_back(protocol_of(protocol));
  }
  return out.encode();
}

Bytes sequence_counter(const KeyStore& keys, const Aid& domain) {
  const auto version = keys.default_version(domain);
  const auto counter = version ? keys.sequence_counter(domain, *version) : Result<std::uint32_t>(0);
  if (!version || !counter) {
    return {};
  }
  ByteWriter out;
  if (keys.channel_keys(domain, *version) == ChannelKeys::kAes) {
    out.u8(static_cast<std::uint8_t>(*counter >> 16U));
  }
  out.u16(static_cast<std::uint16_t>(*counter & 0xFFFFU));
  return tlv::encode(gp::data_object::kSequenceCounter, out.view());
}

Bytes confirmation_counter(const KeyStore& keys, const RegistryEntry& domain) {
  if (!domain.privileges.has(Privileges::kReceiptGeneration)) {
    return {};
  }
  return tlv::encode(gp::data_object::kConfirmationCounter,
                     ByteWriter().u16(keys.confirmation_counter(domain.aid)).view());
}

Bytes card_resources(const Platform& platform, const RegistryEntry& domain) {
  if (!domain.is_issuer() && !domain.privileges.has(Privileges::kGlobalRegistry)) {
    return {};
  }
  const auto applications = std::ranges::count_if(
      platform.registry.entries(), [](const RegistryEntry& entry) { return !entry.is_issuer(); });
  const FreeMemory free = free_memory(platform);
  tlv::TlvWriter out;
  out.put(0x81, ByteWriter().u16(static_cast<std::uint16_t>(applications)).view());
  out.put(0x82, ByteWriter().u32(capped(free.non_volatile)).view());
  out.put(0x83, ByteWriter().u32(capped(free.volatile_octets)).view());
  return tlv::encode(gp::data_object::kCardResources, out.view());
}

Bytes list_of_applications(const Platform& platform, const RegistryEntry& domain) {
  const bool everything = domain.privileges.has(Privileges::kGlobalRegistry);
  tlv::TlvWriter out;
  for (const RegistryEntry& entry : platform.registry.entries()) {
    if (everything || is_of(platform.registry, entry, domain.aid)) {
      out.put(0x61, tlv::encode(0x4F, entry.aid.view()));
    }
  }
  return out.take();
}

}  // namespace kagibin::se
