// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/console/open_card.h"

#include "kagibin/cli/console/host_port.h"
#include "kagibin/link/pcsc_reader.h"
#include "kagibin/link/tcp_reader.h"

namespace kagibin::cli {

Result<std::unique_ptr<apdu::CardLink>> open_card(const std::string& reader) {
  constexpr std::string_view kTcp = "tcp:";
  if (reader.starts_with(kTcp)) {
    const HostPort where = KB_TRY(parse_host_port(reader.substr(kTcp.size())));
    return std::unique_ptr<apdu::CardLink>(
        KB_TRY(link::TcpReader::connect(where.host, where.port)));
  }
  return std::unique_ptr<apdu::CardLink>(KB_TRY(link::PcscReader::connect(reader)));
}

}  // namespace kagibin::cli
