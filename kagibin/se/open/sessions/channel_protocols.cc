// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/sessions/channel_protocols.h"

#include <algorithm>
#include <variant>

#include "kagibin/scp/protocol_identifier.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace {

constexpr tlv::Tag kProtocol = 0x81;

// i of SCP11 as the domain above speaks it, or less: S8 or S16, and the variants are the domain's.
Result<gp::ChannelProtocol> certificate_protocol(ByteView octets,
                                                 std::optional<std::uint16_t> of_parent) {
  const scp::Scp11Parameter asked = KB_TRY(scp::Scp11Parameter::from_octets(octets));
  if (!of_parent || (asked != scp::kScp11S8 && asked != scp::kScp11S16)) {
    return fail(Errc::kInvalidArgument,
                "security domains here speak SCP11 where the one above does, with i = 9B 02 or DB "
                "02 (Amendment F, 7.1)");
  }
  return gp::ChannelProtocol{.scp = scp::kScp11, .parameter = asked.arc()};
}

Result<gp::ChannelProtocol> protocol_of(ByteView value,
                                        std::optional<std::uint16_t> scp02,
                                        std::optional<std::uint16_t> scp11) {
  if (value[0] == scp::kScp02 && value.size() == 2) {
    if (!scp02) {
      return fail(Errc::kPolicy, kScp02IsOff);
    }
    if (value[1] == 0) {
      return gp::ChannelProtocol{.scp = scp::kScp02, .parameter = *scp02};
    }
    const scp::Scp02Parameter legacy = KB_TRY(scp::Scp02Parameter::from(value[1]));
    return gp::ChannelProtocol{.scp = scp::kScp02, .parameter = legacy.i};
  }
  if (value[0] == scp::kScp11) {
    return certificate_protocol(value.subspan(1), scp11);
  }
  if (value[0] != scp::kScp03 || value.size() != 2) {
    return fail(Errc::kInvalidArgument,
                "security domains here speak SCP03, and SCP02 and SCP11 where the profile says so");
  }
  const scp::Scp03Parameter parameter = KB_TRY(scp::Scp03Parameter::from(value[1]));
  return gp::ChannelProtocol{.scp = scp::kScp03, .parameter = parameter.i};
}

// What INITIALIZE UPDATE answers to a host that names no key version.
bool begins_with_scp02(const ElementProfile& profile) {
  const auto first =
      std::ranges::find(profile.key_sets, profile.isd_aid, &InitialKeySet::security_domain);
  return first != profile.key_sets.end() && std::holds_alternative<scp::Scp02KeySet>(first->keys);
}

}  // namespace

std::vector<gp::ChannelProtocol> protocols_of(const ElementProfile& profile) {
  std::vector<gp::ChannelProtocol> out{{.scp = scp::kScp03, .parameter = profile.scp03.i}};
  if (profile.scp02) {
    const gp::ChannelProtocol legacy{.scp = scp::kScp02, .parameter = profile.scp02->i};
    out.insert(begins_with_scp02(profile) ? out.begin() : out.end(), legacy);
  }
  if (profile.scp11) {
    out.push_back({.scp = scp::kScp11, .parameter = profile.scp11->arc()});
  }
  return out;
}

Result<std::vector<gp::ChannelProtocol>> protocols_of(
    ByteView parameters, const std::vector<gp::ChannelProtocol>& of_parent) {
  tlv::TlvReader in(parameters);
  const auto scp02 = gp::parameter_of(of_parent, scp::kScp02);
  const auto scp11 = gp::parameter_of(of_parent, scp::kScp11);
  std::vector<gp::ChannelProtocol> out;
  while (!in.empty()) {
    const tlv::Tlv asked = KB_TRY(in.expect(kProtocol, 2, 3));
    const gp::ChannelProtocol protocol = KB_TRY(protocol_of(asked.value, scp02, scp11));
    if (gp::parameter_of(out, protocol.scp)) {
      return fail(Errc::kInvalidArgument, "a security domain speaks a protocol with one i");
    }
    out.push_back(protocol);
  }
  return out.empty() ? of_parent : out;
}

}  // namespace kagibin::se
