// SPDX-License-Identifier: Apache-2.0
// INSTALL [for load] (GPCS 11.5.2.3.1, table 11-42): announces a load file before the LOAD commands
// that carry it.
//
//   80 E6 02 00 | LV load file AID | LV security domain AID | LV load file data block hash
//               | LV load parameters (EF ...) | LV load token                  -> 00
//   80 E6 0E 01   the same, when INSTALL [for load, install and make selectable] follows the LOADs
//
// An empty security domain is the one that performs the load. The hash is that of the load file
// data block (the value of C4), empty for none. Lengths of parameters and token are BER lengths.
// Values.
//
//   InstallForLoad request{.load_file = cap.package.aid, .security_domain = isd};
#pragma once

#include <cstdint>
#include <optional>

#include "kagibin/apdu/apdu.h"
#include "kagibin/base/aid.h"
#include "kagibin/base/result.h"

namespace kagibin::gp {

struct InstallForLoad {
  static constexpr std::uint8_t kP1 = 0x02;
  static constexpr std::uint8_t kCombinedP1 = 0x0E;
  static constexpr std::uint8_t kCombinedBegins = 0x01;  // P2

  Aid load_file;
  std::optional<Aid> security_domain{};
  Bytes hash{};
  Bytes parameters{};
  Bytes token{};  // seen, never checked here
  bool combined = false;

  // Total. kValue for P1 and P2 and for a missing load file, kLength for AIDs, kTruncated,
  // kTrailing, kEncoding.
  static Result<InstallForLoad> decode(std::uint8_t p1, std::uint8_t p2, ByteView data);
  // kLength for a field past 65,535 octets.
  Result<apdu::CommandApdu> encode() const;
  friend bool operator==(const InstallForLoad&, const InstallForLoad&) = default;
};

}  // namespace kagibin::gp
