// SPDX-License-Identifier: Apache-2.0
// A key of a security domain as people name it: KID/KVN, two hexadecimal digits each, as in 10/03.
#pragma once

#include <string>

#include "kagibin/base/result.h"
#include "kagibin/scp/scp11/scp11.h"

namespace kagibin::cli {

// kInvalidArgument for anything else.
Result<scp::KeyReference> parse_key_reference(const std::string& text);

}  // namespace kagibin::cli
