// SPDX-License-Identifier: Apache-2.0
// Receipts (E3): GET RECEIPT, CANCEL, and the end of a slot (protocol, section 10).
//
// A final receipt is made in the transaction that ends the slot, because Kr is wiped in it; it
// stays until E0/87 acknowledges it or a later one of the same (SPID, target), also when a later
// enrolment takes the slot. Before that GET RECEIPT tells how things stand, and keeps its answer
// until they change. 6985: nothing to tell yet. Results of actions:
//   DONE       00 or 01 each
//   ABSENT     the installed ones 00 or 01, the others 02
//   REFUSED    04          (also interim, behind an envelope that A signed and that did not open;
//              and for one that opened at LOAD and no longer counted when it was to be begun)
//   CANCELLED  06 before opening; behind it the installed ones 00 or 01, one whose key has left and
//              whose outcome is open 03, the others 06
//   interim    05 when the target could not be brought to take the first key: wrong channel keys, a
//              refusal before EXTERNAL AUTHENTICATE was done, a required i bit or R-MAC missing. K
//              is kept. Otherwise the installed ones 00 or 01 and the others 03: unknown
#pragma once

#include <vector>

#include "kagibin/envelope/enrolment/answer_seal.h"
#include "kagibin/se/kda/kda_answer.h"
#include "kagibin/se/kda/kda_environment.h"

namespace kagibin::se {

using KdaResults = std::vector<envelope::ActionResult>;

// Inside the caller's transaction: makes and keeps the final E3, wipes skE, E2 and E4, stores slot
// and journal. `receipt_key` is Kr where the envelope opened, `next_enrolment` E4 for E3/89.
Result<void> close_slot(const KdaEnvironment& kda,
                        const KdaStore::Slot& slot,
                        KdaResults results,
                        const SecretArray<16>* receipt_key,
                        std::optional<Bytes> next_enrolment = std::nullopt);

// E3. 6A88: no such handle, or acknowledged. 6985: nothing to tell yet.
KdaResult<Bytes> get_receipt(const KdaEnvironment& kda, const Handle& handle);

// CANCEL: an E0 with flag cancel, whose TLV 85 is PK.SP.KEM of the attempt that it cancels.
// Refusals as ENROL; 6A88 without a slot, 6985 when the slot serves another attempt or its outcome
// is final, 6986 when nA was used before. The same E0 again answers 9000.
KdaResult<void> cancel(const KdaEnvironment& kda, ByteView request);

}  // namespace kagibin::se
