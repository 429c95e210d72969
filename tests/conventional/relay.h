// SPDX-License-Identifier: Apache-2.0
// APDUs between the conventional operator and a device: each a frame of two octets of length and
// its content, over plain TCP, as a bearer below the secure channel would carry them.
//
//   const auto link = KB_TRY(connect_device("127.0.0.1:4711"));     // the operator
//   KB_TRY(serve_device("0", "apdu.log", announce));                // the device: one connection
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "kagibin/apdu/card_link.h"

namespace kagibin::conventional {

Result<std::unique_ptr<apdu::CardLink>> connect_device(const std::string& host_and_port);

// Relays one connection to the card in `reader` and writes every APDU to `log`; `announce` is told
// the port. Ends when the operator hangs up.
Result<void> serve_device(const std::string& reader,
                          const std::filesystem::path& log,
                          const std::function<void(std::uint16_t)>& announce);

}  // namespace kagibin::conventional
