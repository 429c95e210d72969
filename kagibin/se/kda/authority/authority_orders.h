// SPDX-License-Identifier: Apache-2.0
// STATEMENT: the controlling authority's ticks, epochs and roots (protocol, sections 7, 9 and 11).
//
// Signed by either root in force, over "KB1-AUT" | TLVs 80..81. Every value moves one way: authTime
// and minEpoch rise; a root goes into the slot of the key that did not sign, so that a statement of
// a root that has been replaced is never good again. Statements of roots are numbered: one whose
// number is not above the last accepted one is refused, so that an old one of a root still in force
// does not bring back the key that it named. What is taken is passed on to the element's CASD,
// which asks the same epoch of a CERT.SP. Decision: a tick or an epoch that is known already
// answers 9000 and changes nothing; what is older, and a root statement again, answers 6985.
#pragma once

#include "kagibin/se/kda/kda_answer.h"
#include "kagibin/se/kda/kda_environment.h"

namespace kagibin::se {

// 6A88 before certificates are stored, 6A80 and 6A81 by parsing, 6982 signature, 6985 older.
// A root's point off the curve is 6A80.
KdaResult<void> obey_statement(const KdaEnvironment& kda, ByteView message);

}  // namespace kagibin::se
