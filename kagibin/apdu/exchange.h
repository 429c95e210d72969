// SPDX-License-Identifier: Apache-2.0
// One command and its whole answer: GET RESPONSE after 61xx, the command again after 6Cxx (ISO/IEC
// 7816-4, 5.6).
//
// Errors of the way to the card pass through; status words are values. kLimit for an answer that
// does not end: longer than the limit, or a piece without an octet that announces another.
// Thread-safety: functions.
//
//   const ResponseApdu answer = KB_TRY(exchange(link, select));
#pragma once

#include <functional>

#include "kagibin/apdu/apdu.h"
#include "kagibin/apdu/card_link.h"

namespace kagibin::apdu {

// For the roles that have a card in hand: at most 65,536 octets, GET RESPONSE in the command's
// class.
Result<ResponseApdu> exchange(CardLink& link, const CommandApdu& command);

// One C-APDU and its R-APDU, on whatever channel.
using Transmit = std::function<Result<ResponseApdu>(const CommandApdu&)>;

struct ExchangeRules {
  std::size_t most;           // octets of the whole answer
  std::uint8_t continuation;  // CLA of GET RESPONSE
};
Result<ResponseApdu> exchange(const Transmit& transmit,
                              const CommandApdu& command,
                              const ExchangeRules& rules);

}  // namespace kagibin::apdu
