// SPDX-License-Identifier: Apache-2.0
// Check values of AES keys, as custodians write them on the forms of a ceremony (ANSI X9.24-1,
// Annex A):
//
//   cmac    the first 5 octets of CMAC(key, one block of zeros); the first 3 of them for short
//   legacy  the first 3 octets of the encryption of one block of zeros
//   gp      the first 3 octets of the encryption of sixteen octets 01 (GPCS B.6: PUT KEY)
//
// A check value finds mistakes; it is public and proves nothing. Thread-safety: functions.
//
//   const CheckValues values = KB_TRY(check_values(key));
//   if (!values.matches("08793E")) { ... }
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::crypto {

struct CheckValues {
  std::array<std::uint8_t, 5> cmac{};
  std::array<std::uint8_t, 3> legacy{};
  std::array<std::uint8_t, 3> gp{};

  // True when the hexadecimal digits, of either case, are one of: all 5 octets of cmac, the first 3
  // of them, legacy, gp.
  bool matches(std::string_view digits) const;
  bool operator==(const CheckValues&) const = default;
};

// kInvalidArgument for what is no AES key.
Result<CheckValues> check_values(const SecretBytes& key);

}  // namespace kagibin::crypto
