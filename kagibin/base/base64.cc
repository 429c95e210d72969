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
  std::string out((octets.size() + 2) / 3 * 4, '=');
  std::size_t at = 0;
  const auto put = [&](std::uint32_t group, std::size_t characters) {
    for (std::size_t j = 0; j < characters; ++j) {
      out[at + j] = kAlphabet[(group >> (18U - 6U * j)) & 0x3FU];
    }
    at += 4;
  };
  std::size_t i = 0;
  for (; i + 3 <= octets.size(); i += 3) {
    put((std::uint32_t{octets[i]} << 16U) | (std::uint32_t{octets[i + 1]} << 8U) | octets[i + 2],
        4);
  }
  if (const std::size_t left = octets.size() - i; left != 0) {
    const std::uint32_t second = left == 2 ? octets[i + 1] : 0;
    put((std::uint32_t{octets[i]} << 16U) | (second << 8U), left + 1);
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
  Bytes out(text.size() * 6 / 8);
  std::size_t at = 0;
  for (; text.size() >= 4; text.remove_prefix(4)) {
    std::uint32_t four = 0;
    bool is_foreign = false;
    for (std::size_t i = 0; i < 4; ++i) {
      const std::uint8_t value = kValues.at(static_cast<std::uint8_t>(text[i]));
      is_foreign |= value == kForeign;
      four = (four << 6U) | value;
    }
    if (is_foreign) {
      return fail(Errc::kEncoding, "a character that base64 does not have");
    }
    for (std::size_t i = 0; i < 3; ++i) {
      out[at++] = static_cast<std::uint8_t>((four >> (16U - 8U * i)) & 0xFFU);
    }
  }
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
      out[at++] = static_cast<std::uint8_t>((group >> bits) & 0xFFU);
    }
  }
  // Two padding characters leave four bits over, one leaves two, none leaves none.
  if (bits != padding * 2 || (group & ((1U << bits) - 1U)) != 0) {
    return fail(Errc::kEncoding, "base64 with wrong padding");
  }
  return out;
}

}  // namespace kagibin
