// SPDX-License-Identifier: Apache-2.0
// What a device keeps of the APDUs it relays (console/recording_link.h): "> C-APDU" and "< R-APDU"
// in hexadecimal digits, one a line.
//
//   const std::vector<Exchange> all = read_apdu_log(file);
#pragma once

#include <filesystem>
#include <vector>

#include "kagibin/base/bytes.h"

namespace kagibin::cli {

struct Exchange {
  Bytes command;
  Bytes response;  // empty: none came, or none yet

  std::uint8_t instruction() const { return command.size() < 4 ? std::uint8_t{0} : command[1]; }
  // GPCS 11.1.4: b1 and b2 of a class of the first interindustry range, b1 to b4 behind it.
  std::uint8_t channel() const;
  bool is_answered_ok() const;  // 9000
};

// Lines that are neither are passed over; a missing file has no exchanges.
std::vector<Exchange> read_apdu_log(const std::filesystem::path& file);

}  // namespace kagibin::cli
