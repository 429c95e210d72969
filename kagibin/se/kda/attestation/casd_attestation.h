// SPDX-License-Identifier: Apache-2.0
// A KDA that was loaded and installed in the field, and for which the element's CASD speaks
// (attestation profile ATT-2; doc/decisions/0014).
//
// It is installed with the application-specific parameters `80`. Then it makes SK.KDA.SIG inside,
// takes the authority's key and minEpoch from the CASD, and closes the maker's commands for good.
// It has no certificates and no CERT.OCE: SEID and CERT.CASD.AUT are read from the CASD at each
// enrolment, and the CASD signs each statement anew, so that code that was exchanged meanwhile is
// stated as it is. What the CASD says of this instance, the element fills in, not the KDA.
// Functions without state; thread-safety: one thread.
#pragma once

#include "kagibin/se/kda/kda_answer.h"
#include "kagibin/se/kda/kda_environment.h"

namespace kagibin::se {

// C9 of INSTALL [for install] that asks for it.
inline constexpr std::uint8_t kAttestedByCasd = 0x80;

// Inside OPEN's transaction. 6985 when the element has no CASD that knows the controlling
// authority.
KdaResult<void> take_identity_from_casd(const KdaEnvironment& kda);

// Whom CERT.CASD.AUT names. 6A88 when the CASD was given none.
KdaResult<Seid> seid_of_casd(const KdaEnvironment& kda);

// E5 for this statement. 6A88 when the CASD has no certificate or can sign no more.
KdaResult<Bytes> attest_by_casd(const KdaEnvironment& kda, ByteView e1);

}  // namespace kagibin::se
