// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/content/install_parameters.h"

#include <utility>

#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::gp {

namespace {

constexpr tlv::Tag kApplication = 0xC9;
constexpr tlv::Tag kSystem = 0xEF;
constexpr tlv::Tag kCodeOctets = 0xC6;
constexpr tlv::Tag kVolatileOctets = 0xC7;
constexpr tlv::Tag kDataOctets = 0xC8;
constexpr tlv::Tag kReservedVolatile = 0xD7;
constexpr tlv::Tag kReservedData = 0xD8;
constexpr tlv::Tag kImplicitSelection = 0xCF;
constexpr tlv::Tag kGlobalService = 0xCB;
constexpr tlv::Tag kRestriction = 0xD9;
constexpr unsigned kReservedBit = 0x20;

std::unexpected<Error> twice() {
  return fail(Errc::kUnexpectedTag, "an object of the install parameters stands once");
}

Result<void> take_number(std::optional<std::uint32_t>& out, ByteView value) {
  if (out) {
    return twice();
  }
  if (value.empty() || value.size() > 4) {
    return fail(Errc::kLength, "a number of octets has one to four octets (GPCS 11.5.2.3.7)");
  }
  std::uint32_t number = 0;
  for (const std::uint8_t octet : value) {
    number = (number << 8U) | octet;
  }
  out = number;
  return {};
}

Result<void> take_selection(std::optional<ImplicitSelection>& out, ByteView value) {
  if (out) {
    return twice();
  }
  if (value.size() != 1) {
    return fail(Errc::kLength, "implicit selection (tag CF) has one octet (GPCS 11.5.2.3.7)");
  }
  out = KB_TRY(ImplicitSelection::from(value[0]));
  return {};
}

Result<void> take_system(InstallParameters& out, const tlv::Tlv& object) {
  switch (object.tag) {
    case kCodeOctets:
      return take_number(out.code_octets, object.value);
    case kVolatileOctets:
      return take_number(out.volatile_octets, object.value);
    case kDataOctets:
      return take_number(out.data_octets, object.value);
    case kReservedVolatile:
      return take_number(out.reserved_volatile, object.value);
    case kReservedData:
      return take_number(out.reserved_data, object.value);
    case kImplicitSelection:
      return take_selection(out.implicit_selection, object.value);
    case kGlobalService:
      out.global_service = true;
      return {};
    case kRestriction:
      out.restricts = true;
      return {};
    default:
      return {};
  }
}

}  // namespace

Result<ImplicitSelection> ImplicitSelection::from(std::uint8_t octet) {
  const ImplicitSelection out{octet};
  if ((octet & kReservedBit) != 0 || out.channel() > kHighestChannel) {
    return fail(Errc::kValue,
                "implicit selection (tag CF) is for a channel up to 19, with b6 clear");
  }
  return out;
}

Result<InstallParameters> InstallParameters::decode(ByteView octets) {
  tlv::TlvReader in(octets);
  InstallParameters out;
  bool has_system = false;
  while (!in.empty()) {
    const tlv::Tlv object = KB_TRY(in.next());
    if (object.tag == kApplication) {
      if (out.application) {
        return twice();
      }
      out.application = object.value;
    } else if (object.tag == kSystem) {
      if (std::exchange(has_system, true)) {
        return twice();
      }
      tlv::TlvReader inner(object.value);
      while (!inner.empty()) {
        const tlv::Tlv one = KB_TRY(inner.next());
        KB_TRY(take_system(out, one));
      }
    }
  }
  return out;
}

}  // namespace kagibin::gp
