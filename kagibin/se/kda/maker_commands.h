// SPDX-License-Identifier: Apache-2.0
// GENERATE and STORE CERTIFICATES: how a KDA gets its identity from its maker (protocol, sections 2
// and 9; attestation profile ATT-1). The caller has checked the maker's session.
//
// GENERATE makes SK.KDA.SIG and SK.OCE.ECKA inside, once; repeated before the certificates are
// stored it answers the same public keys, so that a lost answer costs no element. STORE
// CERTIFICATES takes a chain that fits exactly this instance and closes both commands for good.
#pragma once

#include "kagibin/se/kda/kda_answer.h"
#include "kagibin/se/kda/kda_environment.h"

namespace kagibin::se {

// The answer of GENERATE. 6985 when closed.
KdaResult<Bytes> generate_keys(const KdaEnvironment& kda);

// 6985 before GENERATE and when closed; 6A80 malformed; 6982 when the certificates are not:
// CERT.EUM under PK.AUTH, CERT.KDA under CERT.EUM for this AID, code hash, ATT-1 and generated key;
// CERT.OCE (opt) under either for the same SEID and the generated key. Dates: an element has no
// clock, so a certificate is refused only when one expires before another begins.
KdaResult<void> store_certificates(const KdaEnvironment& kda, ByteView message);

}  // namespace kagibin::se
