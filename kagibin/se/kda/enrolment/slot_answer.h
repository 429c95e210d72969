// SPDX-License-Identifier: Apache-2.0
// E1 of the attempt that a slot serves, and the E4 that carries it to the slot's provider: for
// ENROL, and for E3/89, which announces the next attempt (protocol, sections 5 and 10).
//
// Writes nothing. 6A88 where a CASD is to speak for this KDA and has no certificate or can sign no
// more, else those of internal_failure(). Thread-safety: one thread.
//
//   const SlotAnswer made = KB_TRY(make_answer(kda, slot.record, nonce_a, key.public_key(), 3));
#pragma once

#include "kagibin/crypto/hpke/kem.h"
#include "kagibin/se/kda/kda_answer.h"
#include "kagibin/se/kda/kda_environment.h"

namespace kagibin::se {

struct SlotAnswer {
  Bytes statement;  // E1
  Bytes answer;     // E4, to PK.SP.KEM of the slot
};

// `counter`: of the provider's enrolments, this one among them.
KdaResult<SlotAnswer> make_answer(const KdaEnvironment& kda,
                                  const KdaSlot& slot,
                                  const Nonce16& nonce_a,
                                  const crypto::KemPublicKey& enrolment_key,
                                  std::uint32_t counter);

// None where the CASD speaks for this KDA.
KdaResult<KdaCertificates> own_certificates(const KdaEnvironment& kda);
KdaResult<Seid> own_seid(const KdaEnvironment& kda);

}  // namespace kagibin::se
