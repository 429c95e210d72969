// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648, section 4): padded, no line breaks, and only the one valid spelling of given
// octets.
//
//   std::string text = to_base64(octets);
//   const Bytes octets = KB_TRY(from_base64(text));
#pragma once

#include <string>
#include <string_view>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin {

std::string to_base64(ByteView octets);

// kEncoding for a foreign character, missing or misplaced padding, and bits left over that are not
// zero.
Result<Bytes> from_base64(std::string_view text);

}  // namespace kagibin
