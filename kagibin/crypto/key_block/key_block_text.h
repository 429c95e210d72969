// SPDX-License-Identifier: Apache-2.0
// The characters of key blocks (ANSI X9.143, 4). For this folder only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "kagibin/base/byte_io.h"

namespace kagibin::crypto {

inline constexpr std::size_t kLongestKeyBlock = 9999;  // four decimal digits say the length

// Exactly `size` letters and digits.
bool is_alphanumeric(std::string_view text, std::size_t size);
// The next `count` characters, as text and as a number of upper-case hexadecimal or decimal digits;
// kTruncated, kEncoding.
Result<std::string> read_text(ByteReader& in, std::size_t count);
Result<std::size_t> read_hex_number(ByteReader& in, std::size_t count);
Result<std::size_t> read_decimal_number(ByteReader& in, std::size_t count);
// The octets of the next `count` upper-case hexadecimal digits.
Result<Bytes> read_octets(ByteReader& in, std::size_t count);

}  // namespace kagibin::crypto
