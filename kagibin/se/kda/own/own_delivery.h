// SPDX-License-Identifier: Apache-2.0
// Delivery by the element's own OS: a security domain that opens the envelope itself, at level OS
// (protocol, sections 8 and 9; doc/decisions/0018). Records, enrolment, receipts and the
// authority's orders are the KDA's; what differs is the way to the target, which is none.
//
// NEXT carries out every action that is left, through OwnDomainService, with all rules and refusals
// of the domain's own PUT KEY, STORE DATA and DELETE, and answers hint done: never a C-APDU. One
// transaction an action holds the action, its result in the journal and, with the last one, the
// receipt, SEQ and the end of K. So there is no SENT, no probe, and no outcome that is unknown:
//   DONE     00 each: installed, as the OS itself knows it
//   ABSENT   the installed ones 00, 02 from the action on that the domain refused: nothing of that
//            one is there. At once; the provider may seal it again under the same SEQ
// A failure of memory or randomness, the domain's own or an application's (6581, 6A84, 6400, 6F00),
// is no refusal: NEXT answers 6581, 6A84 or 6400, nothing has changed, and NEXT goes on where it
// was as often as it is asked; CANCEL ends what never fits. The interim receipt of a delivery that
// is loaded is 6985: NEXT decides it.
//
// Installed with the owner's SPID, 16 octets: E0 of nobody else is served (6982).
#pragma once

#include "kagibin/kda/next.h"
#include "kagibin/se/kda/opened_delivery.h"
#include "kagibin/se/module_registry.h"
#include "kagibin/se/profile.h"

namespace kagibin::se {

// Inside OPEN's transaction. 6A80 for anything but an SPID.
KdaResult<void> take_owner(const KdaEnvironment& kda, ByteView parameters);

// Precondition: a domain's own delivery, whose slot is loaded; `opened` is its envelope (KB_CHECK).
KdaResult<kagibin::kda::NextAnswer> deliver_inside(const KdaEnvironment& kda,
                                                   KdaStore::Slot slot,
                                                   const OpenedDelivery& opened);

// The load file F04B41474942494E4F53 with one module, ...01. Its code hash follows the sources of
// security domains and of this folder: both are the code that sees K.
LoadFile own_delivery_load_file();
BuiltIn own_delivery_built_in();
// What such a domain of this owner is made with.
InitialSecurityDomain::OwnDelivery own_delivery_of(const Spid& owner);

}  // namespace kagibin::se
