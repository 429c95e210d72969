// SPDX-License-Identifier: Apache-2.0
// Octets as a user types them: hexadecimal digits.
#pragma once

#include <string>

#include "kagibin/base/aid.h"
#include "kagibin/base/result.h"

namespace kagibin::cli {

// kInvalidArgument unless `text` is `min` to `max` octets in hexadecimal digits.
Result<Bytes> parse_hex(const std::string& text, std::size_t min, std::size_t max);
// One octet, such as a key version.
Result<std::uint8_t> parse_octet(const std::string& text);

}  // namespace kagibin::cli
