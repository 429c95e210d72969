// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/channel_protocols.h"

#include "kagibin/scp/protocol_identifier.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace {

constexpr tlv::Tag kProtocol = 0x81;

Result<gp::ChannelProtocol> protocol_of(ByteView value) {
  if (value[0] != scp::kScp03) {
    return fail(Errc::kInvalidArgument, "security domains here speak SCP03 alone");
  }
  const scp::Scp03Parameter parameter = KB_TRY(scp::Scp03Parameter::from(value[1]));
  return gp::ChannelProtocol{.scp = scp::kScp03, .parameter = parameter.i};
}

}  // namespace

std::vector<gp::ChannelProtocol> protocols_of(const ElementProfile& profile) {
  return {{.scp = scp::kScp03, .parameter = profile.scp03.i}};
}

Result<std::vector<gp::ChannelProtocol>> protocols_of(
    ByteView parameters, const std::vector<gp::ChannelProtocol>& of_parent) {
  tlv::TlvReader in(parameters);
  std::vector<gp::ChannelProtocol> out;
  while (!in.empty()) {
    const tlv::Tlv asked = KB_TRY(in.expect(kProtocol, 2));
    const gp::ChannelProtocol protocol = KB_TRY(protocol_of(asked.value));
    if (gp::parameter_of(out, protocol.scp)) {
      return fail(Errc::kInvalidArgument, "a security domain speaks a protocol with one i");
    }
    out.push_back(protocol);
  }
  return out.empty() ? of_parent : out;
}

}  // namespace kagibin::se
