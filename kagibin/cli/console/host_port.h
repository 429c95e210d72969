// SPDX-License-Identifier: Apache-2.0
// "HOST:PORT" as a user types it; the last colon parts them, so that IPv6 addresses need no
// brackets.
#pragma once

#include <cstdint>
#include <string>

#include "kagibin/base/result.h"

namespace kagibin::cli {

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
// kInvalidArgument with what is wrong.
Result<HostPort> parse_host_port(const std::string& text);

}  // namespace kagibin::cli
