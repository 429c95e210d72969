// SPDX-License-Identifier: Apache-2.0
// One command and its whole answer over a card link: GET RESPONSE after 61xx, the command again
// after 6Cxx (ISO/IEC 7816-4, 5.6). For the roles that have a card in hand.
//
// Limits: 65,536 octets of answer (kLimit). Errors of the link pass through; status words are
// values. Thread-safety: functions.
//
//   const ResponseApdu answer = KB_TRY(exchange(link, select));
#pragma once

#include "kagibin/apdu/apdu.h"
#include "kagibin/apdu/card_link.h"

namespace kagibin::apdu {

Result<ResponseApdu> exchange(CardLink& link, const CommandApdu& command);

}  // namespace kagibin::apdu
