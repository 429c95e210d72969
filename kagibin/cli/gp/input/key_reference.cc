// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/gp/input/key_reference.h"

#include "kagibin/cli/console/hex_option.h"

namespace kagibin::cli {

Result<scp::KeyReference> parse_key_reference(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) {
    return fail(Errc::kInvalidArgument, "a key is named KID/KVN, as in 10/01");
  }
  return scp::KeyReference{KB_TRY(parse_octet(text.substr(0, slash))),
                           KB_TRY(parse_octet(text.substr(slash + 1)))};
}

}  // namespace kagibin::cli
