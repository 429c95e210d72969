// SPDX-License-Identifier: Apache-2.0
// LOAD, and the envelope of a slot opened again for a session or a receipt (protocol, sections 6
// and 7). K rests in memory as the envelope alone; what is opened lives in RAM and is wiped with
// it.
//
// LOAD parses strictly (6A80; 6A81 for a suite or level that is not built), and answers one status
// word, 6985, for everything after that. CERT.SP (again: epoch, date, root) and the signature come
// first and count nothing; behind a good signature all checks are gone through to the end, so that
// they take alike long: SPID, handle and suite of the slot, SEQ above the last committed, level not
// below the floor and offered in E1, at RL2 CERT.SD again (epoch, date, root), notAfter not before
// max(lastIssued, authTime, issuedAt), the point, MAC, padding and content, and that the actions
// can be sent at all. A refusal among these is counted: after three the slot is closed with a
// receipt 04. Decisions:
// - The same E2 again while it is loaded answers 9000 and changes nothing. One envelope an
// enrolment:
//   another one for a loaded slot is 6985.
// - A0/89, one visit in the steady state: enrolment/next_enrolment.h.
// - In COMMAND (A4) and probes the class octet is on channel 0, without secure messaging and
// chaining.
#pragma once

#include "kagibin/envelope/payload/payload.h"
#include "kagibin/se/kda/kda_answer.h"
#include "kagibin/se/kda/kda_environment.h"

namespace kagibin::se {

// `message`: 83 10 handle | E2.
KdaResult<void> load_envelope(const KdaEnvironment& kda, ByteView message);

// What LOAD asked of CERT.SP and of the header, asked once more: a tick, a higher minEpoch, another
// root, or a later envelope of the same provider may have come since.
KdaResult<bool> is_still_accepted(const KdaEnvironment& kda,
                                  const KdaSlot& slot,
                                  const envelope::EnvelopeHeader& header);
// Ends a slot of which nothing has left with the receipt 04. Precondition: !has_begun() (KB_CHECK).
KdaResult<void> refuse_loaded(const KdaEnvironment& kda, KdaStore::Slot slot);

struct OpenedDelivery {
  envelope::EnvelopeHeader header;
  envelope::Payload payload;
};
// The envelope of a slot that is loaded or sent. Fails only when the memory is damaged.
Result<OpenedDelivery> open_loaded(const KdaStore& store, const KdaStore::Slot& slot);

}  // namespace kagibin::se
