// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/console/host_port.h"

#include <charconv>

namespace kagibin::cli {

Result<HostPort> parse_host_port(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) {
    return fail(Errc::kInvalidArgument, "expected HOST:PORT");
  }
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return fail(Errc::kInvalidArgument, "the port is a number from 0 to 65535");
  }
  return HostPort{text.substr(0, colon), port};
}

}  // namespace kagibin::cli
