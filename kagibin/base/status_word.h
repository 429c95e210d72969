// SPDX-License-Identifier: Apache-2.0
// SW1-SW2 as one strong type (ISO/IEC 7816-4, 5.6). The known values with their clauses stand in
// apdu/status_words.h.
#pragma once

#include <cstdint>

namespace kagibin {

struct StatusWord {
  std::uint16_t value = 0;

  constexpr std::uint8_t sw1() const { return static_cast<std::uint8_t>(value >> 8U); }
  constexpr std::uint8_t sw2() const { return static_cast<std::uint8_t>(value & 0xFFU); }
  friend constexpr bool operator==(StatusWord, StatusWord) = default;
};

}  // namespace kagibin
