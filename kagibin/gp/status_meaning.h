// SPDX-License-Identifier: Apache-2.0
// What a status word says in answer to one GlobalPlatform command, and what to do, where that is
// narrower than apdu/status_meaning.h (GPCS 2.3.1, the tables of status words of each command).
//
//   const apdu::StatusMeaning m = status_meaning(apdu::ins::kDelete, StatusWord{0x6985});
//   // m.text: "the object cannot be deleted", m.advice: "... delete that first, or use --related"
#pragma once

#include <cstdint>

#include "kagibin/apdu/status_meaning.h"

namespace kagibin::gp {

// Total: what no row says is what the word says in general.
apdu::StatusMeaning status_meaning(std::uint8_t ins, StatusWord sw);

}  // namespace kagibin::gp
