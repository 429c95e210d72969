// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/console/open_card.h"

#include <charconv>
#include <optional>

#include "kagibin/cli/console/host_port.h"
#include "kagibin/link/pcsc_reader.h"
#include "kagibin/link/tcp_reader.h"

namespace kagibin::cli {

namespace {

Result<std::uint32_t> parse_number(const std::string& text) {
  std::uint32_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return fail(Errc::kInvalidArgument, "expected tcp:HOST:PORT/NUMBER");
  }
  return number;
}

}  // namespace

Result<std::unique_ptr<apdu::CardLink>> open_card(const std::string& reader) {
  constexpr std::string_view kTcp = "tcp:";
  if (reader.starts_with(kTcp)) {
    const std::string address = reader.substr(kTcp.size());
    const std::size_t slash = address.rfind('/');
    const HostPort where = KB_TRY(parse_host_port(address.substr(0, slash)));
    std::optional<std::uint32_t> number;
    if (slash != std::string::npos) {
      number = KB_TRY(parse_number(address.substr(slash + 1)));
    }
    return std::unique_ptr<apdu::CardLink>(
        KB_TRY(link::TcpReader::connect(where.host, where.port, number)));
  }
  return std::unique_ptr<apdu::CardLink>(KB_TRY(link::PcscReader::connect(reader)));
}

}  // namespace kagibin::cli
