// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/key_block/key_block_text.h"

#include <algorithm>

namespace kagibin::crypto {
namespace {

Result<std::size_t> read_number(ByteReader& in, std::size_t count, std::size_t base) {
  std::size_t out = 0;
  for (const std::uint8_t c : KB_TRY(in.bytes(count))) {
    const std::size_t digit = c >= '0' && c <= '9'   ? static_cast<std::size_t>(c - '0')
                              : c >= 'A' && c <= 'F' ? static_cast<std::size_t>(c - 'A' + 10)
                                                     : base;
    if (digit >= base) {
      return fail(Errc::kEncoding, "a length in the key block is not written in digits");
    }
    out = out * base + digit;
  }
  return out;
}

}  // namespace

bool is_alphanumeric(std::string_view text, std::size_t size) {
  return text.size() == size && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
         });
}

Result<std::string> read_text(ByteReader& in, std::size_t count) {
  const ByteView characters = KB_TRY(in.bytes(count));
  return std::string(characters.begin(), characters.end());
}

Result<std::size_t> read_hex_number(ByteReader& in, std::size_t count) {
  return read_number(in, count, 16);
}

Result<std::size_t> read_decimal_number(ByteReader& in, std::size_t count) {
  return read_number(in, count, 10);
}

Result<Bytes> read_octets(ByteReader& in, std::size_t count) {
  const std::string text = KB_TRY(read_text(in, count));
  auto octets = from_hex(text);
  if (!octets || to_hex(*octets) != text) {
    return fail(Errc::kEncoding, "the key block does not end in upper-case hexadecimal digits");
  }
  return std::move(*octets);
}

}  // namespace kagibin::crypto
