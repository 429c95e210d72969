// SPDX-License-Identifier: Apache-2.0
// Which keys open a secure channel with the domain that holds them, as far as the card's key
// information (E0) and card data (66) tell (GPCS 2.3.1, 11.1.8; Amendment F, 5.1).
//
//   possible   KID 01 symmetric, 02 and 03 there; or KID 11, 13 or 15: what a change must not touch
//              unseen
//   sure       what is left to rely on: three AES or three 3DES keys of one size that the domain
//              itself may use, under 01 to 7F or FF, not where keys of another use stand (11, 70,
//              71, 73 to 75), of a protocol that the card data names. On a card that names SCP80 or
//              SCP81, a UICC, the version says the protocol (GPC_GUI_010): SCP80 01 to 0F, SCP02 20
//              to 2F, SCP03 30 to 3F, SCP81 40 to 4F; a factory set, FF, is of any. Or an EC
//              private key of SCP11a or c with a CA key beside it. SCP11b authenticates nobody.
//              Without card data every protocol counts
//
// Functions of values; versions are KVNs.
#pragma once

#include <set>

#include "kagibin/roles/security_module_manager/card/card_facts.h"

namespace kagibin::roles::security_module_manager {

std::set<std::uint8_t> possible_ways_in(const gp::KeyInformation& keys);
// `facts` for the card data alone.
std::set<std::uint8_t> sure_ways_in(const CardFacts& facts, const gp::KeyInformation& keys);

}  // namespace kagibin::roles::security_module_manager
