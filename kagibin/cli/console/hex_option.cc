// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/console/hex_option.h"

namespace kagibin::cli {

Result<Bytes> parse_hex(const std::string& text, std::size_t min, std::size_t max) {
  auto octets = from_hex(text);
  if (!octets || octets->size() < min || octets->size() > max) {
    return fail(Errc::kInvalidArgument,
                "an option takes hexadecimal digits, and of another number; --help says how many");
  }
  return std::move(*octets);
}

Result<std::uint8_t> parse_octet(const std::string& text) {
  return KB_TRY(parse_hex(text, 1, 1))[0];
}

}  // namespace kagibin::cli
