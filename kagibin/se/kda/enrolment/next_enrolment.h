// SPDX-License-Identifier: Apache-2.0
// One visit in the steady state: where A0/89 asked for it, the receipt of an attempt that is done
// carries the next enrolment, E3/89 (protocol, section 10; doc/decisions/0017).
//
// Which envelopes may ask: those of a KDA that its maker attested (else 6A81 at LOAD, uncounted: a
// CASD speaks for the code of the moment, and this enrolment waits by design; a domain's own
// delivery does not offer it), with a fresh nA, and where the channel's keys are SCP03's only if
// the last action puts the next whole key set, with another Key-ENC than this channel's: no session
// may run under the set that the next envelope carries, or a waiting skE that leaks opens what was
// recorded of it. Whether one did before this envelope, the provider has to know. A refusal of
// these two is counted, as any of LOAD's.
//
// The next attempt is of the same provider, its key, PK.SP.KEM, CERT.SP, CERT.SD, target and suite;
// handle, nK and skE are fresh, and its E1 has the SEQ that was just committed. It is opened in the
// transaction of DONE: after a cut there are both, DONE and E3/89, or neither. Where it cannot be
// made (memory, eight receipts waiting) the receipt comes without 89 and the
// provider asks by E0 again. CERT.SP, time and epoch are asked when its E2 is loaded, which
// acknowledges the receipt that announced it and all older ones. A later E0 replaces it.
#pragma once

#include "kagibin/envelope/delivery_message.h"
#include "kagibin/envelope/payload/payload.h"
#include "kagibin/se/kda/records/kda_receipts.h"

namespace kagibin::se {

// Whether this envelope asks for nothing, or for what it may.
bool may_ask_for_next(const KdaSlot& slot,
                      const envelope::EnvelopeHeader& header,
                      const envelope::Payload& payload);

// A transaction of its own: ends this attempt, whose state is DONE, with its receipt and opens the
// next one. False when that could not be: then nothing was written.
KdaResult<bool> close_and_open_next(const KdaEnvironment& kda,
                                    const KdaStore::Slot& done,
                                    const KdaResults& results,
                                    const SecretArray<16>& receipt_key,
                                    const Nonce16& nonce_a);

}  // namespace kagibin::se
