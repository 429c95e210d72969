// SPDX-License-Identifier: Apache-2.0
#include "kagibin/base/bytes.h"

#include <algorithm>

namespace kagibin {

std::string to_hex(ByteView bytes) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out(bytes.size() * 2, '0');
  std::size_t at = 0;
  for (const std::uint8_t octet : bytes) {
    out[at++] = kDigits[octet >> 4U];
    out[at++] = kDigits[octet & 0x0FU];
  }
  return out;
}

namespace {

constexpr std::uint8_t kForeign = 0xFF;
constexpr std::uint8_t kBlank = 0xFE;

// Of each character, as a digit.
constexpr std::array<std::uint8_t, 256> kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kForeign);
  for (const char blank : {' ', '\t', '\n', '\r'}) {
    values.at(static_cast<std::uint8_t>(blank)) = kBlank;
  }
  for (std::uint8_t i = 0; i < 16; ++i) {
    values.at(static_cast<std::uint8_t>("0123456789ABCDEF"[i])) = i;
    values.at(static_cast<std::uint8_t>("0123456789abcdef"[i])) = i;
  }
  return values;
}();

}  // namespace

std::optional<Bytes> from_hex(std::string_view text) {
  Bytes out((text.size() + 1) / 2);
  std::size_t digits = 0;
  for (const char c : text) {
    const std::uint8_t value = kValues.at(static_cast<std::uint8_t>(c));
    if (value == kBlank) {
      continue;
    }
    if (value == kForeign) {
      return std::nullopt;
    }
    std::uint8_t& octet = out[digits / 2];
    octet = static_cast<std::uint8_t>((octet << 4U) | value);
    ++digits;
  }
  if (digits % 2 != 0) {
    return std::nullopt;
  }
  out.resize(digits / 2);
  return out;
}

bool equal(ByteView left, ByteView right) { return std::ranges::equal(left, right); }

void append(Bytes& out, ByteView tail) {
  constexpr std::size_t kLeast = 64;  // most strings of octets are put together from small pieces
  const std::size_t size = out.size() + tail.size();
  if (size > out.capacity()) {
    out.reserve(std::max({size, 2 * out.capacity(), kLeast}));
  }
  out.insert(out.end(), tail.begin(), tail.end());
}

ByteView ascii(std::string_view text) {
  // An octet may alias a char: [basic.lval].
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the one place, see above
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace kagibin
