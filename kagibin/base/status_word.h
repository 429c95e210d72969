// SPDX-License-Identifier: Apache-2.0
// SW1-SW2 as one strong type (ISO/IEC 7816-4, 5.6). The known values with their clauses stand in
// apdu/status_words.h.
//
// A refusal says why: `return sw::kConditionsNotSatisfied.because("... (GPCS 9.5)");`. The reason
// is for whoever runs the card's end (kagibin-se --explain). It goes with the word to
// Open::process(), which keeps it, and no further: only the two octets are sent, and two words are
// equal whatever their reasons. A reason is a literal sentence: what is wrong, what to do, the
// clause in brackets; the same one for everything that an attacker must not tell apart (wrong MAC
// and wrong padding).
#pragma once

#include <cstdint>

#include "kagibin/base/detail.h"

namespace kagibin {

struct StatusWord {
  std::uint16_t value = 0;
  Detail reason{};

  constexpr std::uint8_t sw1() const { return static_cast<std::uint8_t>(value >> 8U); }
  constexpr std::uint8_t sw2() const { return static_cast<std::uint8_t>(value & 0xFFU); }
  constexpr StatusWord because(Detail why) const { return {value, why}; }
  friend constexpr bool operator==(StatusWord a, StatusWord b) { return a.value == b.value; }
};

}  // namespace kagibin
