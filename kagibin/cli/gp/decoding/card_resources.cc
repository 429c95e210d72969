// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/gp/decoding/card_resources.h"

#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::cli {

namespace {

constexpr tlv::Tag kResources = 0xFF21;
constexpr tlv::Tag kApplications = 0x81;
constexpr tlv::Tag kNonVolatile = 0x82;
constexpr tlv::Tag kVolatile = 0x83;
constexpr std::size_t kLongestNumber = 4;

}  // namespace

Result<CardResources> CardResources::decode(ByteView answer) {
  if (const auto whole = tlv::read_single(answer, kResources)) {
    answer = whole->value;
  }
  CardResources out;
  tlv::TlvReader in(answer);
  while (!in.empty()) {
    const tlv::Tlv object = KB_TRY(in.next());
    std::optional<std::uint32_t>* const field =
        object.tag == kApplications  ? &out.applications
        : object.tag == kNonVolatile ? &out.free_non_volatile_octets
        : object.tag == kVolatile    ? &out.free_volatile_octets
                                     : nullptr;
    if (field == nullptr) {
      continue;
    }
    if (field->has_value()) {
      return fail(Errc::kUnexpectedTag, "an object of FF21 stands twice (TS 102 226, 8.2.1.7.2)");
    }
    if (object.value.empty() || object.value.size() > kLongestNumber) {
      return fail(Errc::kLength, "a number of FF21 has one to four octets (TS 102 226, 8.2.1.7.2)");
    }
    std::uint32_t number = 0;
    for (const std::uint8_t octet : object.value) {
      number = (number << 8U) | octet;
    }
    *field = number;
  }
  return out;
}

}  // namespace kagibin::cli
