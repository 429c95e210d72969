// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/model_crypto/group.h"

#include <array>

#include "tests/simulation/model_crypto/mixing.h"

namespace kagibin::model_crypto {
namespace {

constexpr unsigned kBits = 61;
constexpr std::uint64_t kPrime = (std::uint64_t{1} << kBits) - 1;
constexpr std::uint64_t kGenerator = 37;
constexpr std::size_t kElementBytes = 8;
__extension__ using Wide = unsigned __int128;

std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  const Wide product = Wide{a} * b;
  const std::uint64_t sum =
      static_cast<std::uint64_t>(product & kPrime) + static_cast<std::uint64_t>(product >> kBits);
  return sum >= kPrime ? sum - kPrime : sum;
}

// Everything but the element itself.
void put_rest(std::uint64_t element, MutableByteView out) {
  Mixing("point").add(element).give(out);
}

}  // namespace

std::uint64_t power(std::uint64_t element, ByteView scalar) {
  std::uint64_t exponent = Mixing("exponent").add(scalar).number() | 1U;
  std::uint64_t out = 1;
  for (std::uint64_t square = element; exponent != 0; exponent >>= 1U) {
    if ((exponent & 1U) != 0) {
      out = times(out, square);
    }
    square = times(square, square);
  }
  return out;
}

std::uint64_t element_of(ByteView scalar) { return power(kGenerator, scalar); }

void put_point(std::uint64_t element, MutableByteView out) {
  out[0] = 0x04;
  for (std::size_t i = 0; i < kElementBytes; ++i) {
    out[1 + i] = static_cast<std::uint8_t>(element >> (8 * i));
  }
  put_rest(element, out.subspan(1 + kElementBytes));
}

std::optional<std::uint64_t> read_point(ByteView point) {
  if (point.size() <= 1 + kElementBytes || point.front() != 0x04) {
    return std::nullopt;
  }
  std::uint64_t element = 0;
  for (std::size_t i = 0; i < kElementBytes; ++i) {
    element |= std::uint64_t{point[1 + i]} << (8 * i);
  }
  Bytes rest(point.size() - 1 - kElementBytes);
  put_rest(element, rest);
  const bool is_element = element != 0 && element < kPrime;
  return is_element && equal(rest, point.last(rest.size())) ? std::optional(element) : std::nullopt;
}

}  // namespace kagibin::model_crypto
