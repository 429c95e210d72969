// SPDX-License-Identifier: Apache-2.0
#include "kagibin/base/base64.h"

#include <array>

namespace kagibin {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kForeign = 0xFF;

constexpr std::array<std::uint8_t, 256> kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kForeign);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values.at(static_cast<std::uint8_t>(kAlphabet[i])) = static_cast<std::uint8_t>(i);
  }
  return values;
}();

}  // namespace

std::string to_base64(ByteView octets) {
  std::string out;
  out.reserve((octets.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, octets.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = (group << 8U) | (j < count ? octets[i + j] : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out.push_back(j <= count ? kAlphabet[(group >> (18U - 6U * j)) & 0x3FU] : '=');
    }
  }
  return out;
}

Result<Bytes> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) {
    return fail(Errc::kEncoding, "base64 comes in groups of four characters");
  }
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  Bytes out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t group = 0;
  std::uint32_t bits = 0;
  for (const char c : text) {
    const std::uint8_t value = kValues.at(static_cast<std::uint8_t>(c));
    if (value == kForeign) {
      return fail(Errc::kEncoding, "a character that base64 does not have");
    }
    group = ((group << 6U) | value) & 0xFFFFFFU;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<std::uint8_t>((group >> bits) & 0xFFU));
    }
  }
  // Two padding characters leave four bits over, one leaves two, none leaves none.
  if (bits != padding * 2 || (group & ((1U << bits) - 1U)) != 0) {
    return fail(Errc::kEncoding, "base64 with wrong padding");
  }
  return out;
}

}  // namespace kagibin
