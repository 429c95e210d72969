// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/content/domain_parameters.h"

#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::gp {

namespace {

constexpr tlv::Tag kProtocol = 0x81;
constexpr tlv::Tag kExtraditionHere = 0x82;
constexpr tlv::Tag kDeletion = 0x83;
constexpr tlv::Tag kPersonalized = 0x84;
constexpr tlv::Tag kExtraditionAway = 0x87;
constexpr unsigned kReservedBits = 0x07;

Result<void> take_acceptance(std::optional<Acceptance>& out, ByteView value, std::size_t longest) {
  if (out) {
    return fail(Errc::kUnexpectedTag, "a parameter of a security domain stands once");
  }
  if (value.empty() || value.size() > longest) {
    return fail(Errc::kLength, "an acceptance parameter has one octet, or two");
  }
  out = Acceptance{.applications = value.front(), .load_files = value.back()};
  if (((out->applications | out->load_files) & kReservedBits) != 0) {
    return fail(Errc::kValue, "b3 to b1 of an acceptance parameter are reserved");
  }
  return {};
}

Result<void> take_protocol(std::vector<ChannelProtocol>& out, ByteView value) {
  if (value.size() != 2) {
    return fail(Errc::kLength,
                "a secure channel (tag 81) is a protocol and its i (GPCS 11.5.2.3.7)");
  }
  if (out.size() == DomainParameters::kMaxProtocols) {
    return fail(Errc::kLimit, "a security domain speaks at most eight protocols");
  }
  out.push_back({.scp = value[0], .parameter = value[1]});
  return {};
}

Result<void> take(DomainParameters& out, const tlv::Tlv& object) {
  switch (object.tag) {
    case kProtocol:
      return take_protocol(out.protocols, object.value);
    case kExtraditionHere:
      return take_acceptance(out.extradition_here, object.value, 2);
    case kDeletion:
      return take_acceptance(out.deletion, object.value, 1);
    case kExtraditionAway:
      return take_acceptance(out.extradition_away, object.value, 2);
    case kPersonalized:
      if (!object.value.empty() || out.personalized) {
        return fail(Errc::kLength,
                    "tag 84 of a security domain is empty and stands once (GPCS 11.5.2.3.7)");
      }
      out.personalized = true;
      return {};
    default:
      return fail(Errc::kUnexpectedTag,
                  "a security domain takes parameters 81, 82, 83, 84 and 87 (GPCS 11.5.2.3.7)");
  }
}

}  // namespace

Result<DomainParameters> DomainParameters::decode(ByteView octets) {
  tlv::TlvReader in(octets);
  DomainParameters out;
  while (!in.empty()) {
    const tlv::Tlv object = KB_TRY(in.next());
    KB_TRY(take(out, object));
  }
  return out;
}

}  // namespace kagibin::gp
