// SPDX-License-Identifier: Apache-2.0
// What the card's life cycle allows (GPCS 2.3.1, 5.1 and table 11-1). The state is the life cycle
// of the ISD's registry entry.
//
//   OP_READY, INITIALIZED, SECURED   everything
//   CARD_LOCKED   the final application alone is selected, or stays so on channels beside the one
//                 that the lock came on (selector.h); no channel is opened; security domains answer
//                 GET DATA, GET STATUS and SET STATUS, and open sessions for them
//   TERMINATED    the final application stays selected on the basic channel; a security domain
//                 answers GET DATA and nothing else
//
// For se/ only. Functions without state.
#pragma once

#include <expected>

#include "kagibin/se/open/platform.h"

namespace kagibin::se {

gp::CardState card_state(const Platform& platform);

// The application with a privilege that one application has at a time (6.6.2: Card Reset, Final
// Application): another than the ISD when there is one, else the ISD.
RegistryEntry holder_of(const Platform& platform, std::uint32_t privilege);

// 6985 for an instruction that security domains do not carry out in the card's state.
std::expected<void, StatusWord> admit(const Platform& platform,
                                      const RegistryEntry& domain,
                                      std::uint8_t instruction);

}  // namespace kagibin::se
