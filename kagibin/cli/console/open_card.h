// SPDX-License-Identifier: Apache-2.0
// A card by the name a user gives: "tcp:HOST:PORT" for kagibin-se without a reader, otherwise a
// PC/SC reader's name or number.
#pragma once

#include <memory>
#include <string>

#include "kagibin/apdu/card_link.h"

namespace kagibin::cli {

Result<std::unique_ptr<apdu::CardLink>> open_card(const std::string& reader);
// "HOST:PORT" (the last colon parts them). kInvalidArgument otherwise.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
Result<HostPort> parse_host_port(const std::string& text);

}  // namespace kagibin::cli
