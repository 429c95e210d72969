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

int digit_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return c - 'A' + 10;
  }
  return -1;
}

}  // namespace

std::optional<Bytes> from_hex(std::string_view text) {
  Bytes out;
  out.reserve(text.size() / 2);
  int high = -1;
  for (const char c : text) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      continue;
    }
    const int value = digit_value(c);
    if (value < 0) {
      return std::nullopt;
    }
    if (high < 0) {
      high = value;
    } else {
      out.push_back(static_cast<std::uint8_t>(high * 16 + value));
      high = -1;
    }
  }
  if (high >= 0) {
    return std::nullopt;
  }
  return out;
}

bool equal(ByteView left, ByteView right) { return std::ranges::equal(left, right); }

void append(Bytes& out, ByteView tail) { out.insert(out.end(), tail.begin(), tail.end()); }

ByteView ascii(std::string_view text) {
  // An octet may alias a char: [basic.lval].
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the one place, see above
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace kagibin
