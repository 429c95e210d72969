// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp11/scp11.h"

namespace kagibin::scp {

Result<SecurityLevel> level_of_usage(std::uint8_t key_usage) {
  switch (key_usage) {
    case kUsageMac:
      return SecurityLevel{0x11};
    case kUsageMacAndEncryption:
      return SecurityLevel{0x33};
    default:
      return fail(Errc::kValue, "the key usage qualifier of an SCP11 session is 34 or 3C");
  }
}

bool Scp11Parameter::speaks(Scp11Variant variant) const {
  switch (variant) {
    case Scp11Variant::kA:
      return a();
    case Scp11Variant::kB:
      return b();
    default:
      return c();
  }
}

Result<Scp11Parameter> Scp11Parameter::from(std::uint16_t arc) {
  if ((arc >> 14U) != 0) {
    return fail(Errc::kNotSupported, "the parameter i of SCP11 has one octet or two");
  }
  const auto low = static_cast<std::uint8_t>(arc & 0x7FU);
  const auto high = static_cast<std::uint8_t>(arc >> 7U);
  return high == 0 ? Scp11Parameter{low, 0} : Scp11Parameter{high, low};
}

Result<Scp11Parameter> Scp11Parameter::from_octets(ByteView octets) {
  constexpr unsigned kFollows = 0x80;
  if (octets.empty() || octets.size() > 2) {
    return fail(Errc::kNotSupported, "the parameter i of SCP11 has one octet or two");
  }
  const bool two = octets.size() == 2;
  if (((octets.front() & kFollows) != 0) != two || (two && (octets.back() & kFollows) != 0)) {
    return fail(Errc::kValue, "b8 of an octet of i says that another follows (Amendment F, 7.1)");
  }
  return Scp11Parameter{static_cast<std::uint8_t>(octets.front() & 0x7FU),
                        two ? octets.back() : std::uint8_t{0}};
}

Bytes Scp11Parameter::octets() const {
  constexpr unsigned kFollows = 0x80;
  return second == 0 ? Bytes{first} : Bytes{static_cast<std::uint8_t>(first | kFollows), second};
}

std::uint16_t Scp11Parameter::arc() const {
  return second == 0 ? first : static_cast<std::uint16_t>((first << 7U) | second);
}

}  // namespace kagibin::scp
