// SPDX-License-Identifier: Apache-2.0
// SET STATUS (GPCS 2.3.1, 11.10), in a session with C-MAC: the life cycle of the card, of an
// application or a security domain, of a domain with everything below it. One transaction.
//
//   P1 = 80  the card (P2 as table 11-6; no AID, or the ISD's). OP_READY -> INITIALIZED -> SECURED
//            by the ISD; SECURED <-> CARD_LOCKED with the Card Lock privilege; from every state to
//            TERMINATED with Card Terminate, for good (5.1)
//   P1 = 40  an application or domain. Of another only b8 of P2 counts: 1 locks, 0 goes back to the
//            state before. By the domain that it is associated with, directly or not, or by one
//            with Global Lock. A domain locks itself, and moves itself from SELECTABLE to
//            PERSONALIZED; it does not unlock itself (5.3)
//   P1 = 60  a domain and whatever is associated with it, directly or not: b8 of P2 as above
//
// What is locked is selected nowhere any more when the answer has left (open/selection). 6985: the
// transition is none, the state is the one it is in, or the domain may not do this; 6A86: P1, or a
// P2 that codes no state; 6A80: the data; 6A88: there is no such application. The ISD's life cycle
// is the card's (P1 = 80).
#pragma once

#include "kagibin/se/domain/domain_command.h"

namespace kagibin::se {

apdu::ResponseApdu process_set_status(const DomainCommand& command);

}  // namespace kagibin::se
