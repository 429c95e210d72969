// SPDX-License-Identifier: Apache-2.0
// ENROL: E0 in, a fresh slot and E4 out (protocol, section 5).
//
// Checks in this order: certified (6A88; too, where the CASD attests and has no certificate yet,
// before anything is written), parsing (6A80, 6A81), CERT.SP and signature (6982),
// CERT.SD where the agent sent one (6982), no open outcome in the slot (6985: probe first), nA new
// (6986), quotas (6A84). Only then the old keys go and the new slot comes, in one transaction,
// before E1 leaves. Decisions:
// - The same E0 again, octet for octet, while its slot still waits for an envelope, gets the same
// E4:
//   an answer that the agent lost costs no new attempt. The E4 is kept until a good LOAD.
// - nA is compared with the last sixteen of the slot (KdaSlot::kMaxNonces). An older E0 can take an
//   idle slot again, never one with an open outcome; nothing can be delivered to it (threat model).
// - Eight receipts of a (SPID, target) wait for acknowledgement, then 6A84. E0/87 acknowledges the
//   receipt that it names and all older ones, so that whoever holds the newest unlocks the target.
// - E1/88 offers RL1, and RL2 with E1/90 where the agent sent a good CERT.SD and the maker gave
// this
//   KDA a CERT.OCE; nothing below the floor of the slot. Where nothing is left, 6985: only CERT.SD
//   brings such a target further. b8 says that A0/89 is answered (next_enrolment.h).
//   A domain's own delivery offers OS and nothing else, and tells the highest version of its keys
//   as it knows it (E1/8B).
#pragma once

#include "kagibin/se/kda/kda_answer.h"
#include "kagibin/se/kda/kda_environment.h"

namespace kagibin::se {

// `message`: E0, then CERT.SD (7F21) or nothing. The answer is E4.
KdaResult<Bytes> enrol(const KdaEnvironment& kda, ByteView message);

}  // namespace kagibin::se
