// SPDX-License-Identifier: Apache-2.0
// The security level of a session as secure channel protocols code it: P1 of EXTERNAL AUTHENTICATE
// (GPCS E.5.2.3; Amendment D, 7.1.2.1, table 7-3). Which values a protocol takes is its own rule.
//
//   b1 C-MAC | b2 C-DECRYPTION | b5 R-MAC | b6 R-ENCRYPTION
#pragma once

#include <cstdint>

#include "kagibin/base/result.h"

namespace kagibin::scp {

struct SecurityLevel {
  std::uint8_t value = 0;

  // The levels of SCP03: 00 01 03 11 13 33. kValue for every other value.
  static Result<SecurityLevel> from(std::uint8_t value);
  bool c_mac() const { return (value & 0x01U) != 0; }
  bool c_decryption() const { return (value & 0x02U) != 0; }
  bool r_mac() const { return (value & 0x10U) != 0; }
  bool r_encryption() const { return (value & 0x20U) != 0; }
  friend bool operator==(SecurityLevel, SecurityLevel) = default;
};

}  // namespace kagibin::scp
