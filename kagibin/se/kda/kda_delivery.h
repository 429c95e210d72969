// SPDX-License-Identifier: Apache-2.0
// NEXT and STATUS: finds the slot, keeps the one session with a target that is under way (protocol,
// section 9).
//
// One session at a time; NEXT under another handle, and NEXT without an R-APDU, drop it, which
// wipes everything that was opened. An R-APDU without a session counts as none. State of this
// object is CLEAR_ON_RESET.
//
// A session of which no key has left yet begins by asking again what LOAD asked (CERT.SP, time,
// level, SEQ); where that fails now, the slot ends with receipt 04 and NEXT says done. Every
// command that can change the answer (ENROL, LOAD, CANCEL, STATEMENT) drops the session, so that it
// holds until the first key has left. Behind that nothing is refused any more: the outcome is found
// out.
#pragma once

#include <optional>

#include "kagibin/se/kda/target/target_session.h"

namespace kagibin::se {

class KdaDelivery {
 public:
  explicit KdaDelivery(const KdaEnvironment& kda) : kda_(kda) {}

  // 6A80 malformed, 6A88 no such handle, 6985 not loaded yet.
  KdaResult<Bytes> next(ByteView message);
  KdaResult<Bytes> status(const Handle& handle) const;
  // Before anything else changes a slot.
  void drop() { session_.reset(); }

 private:
  TargetSession::Next run(const Handle& handle, const std::optional<apdu::ResponseApdu>& last);

  KdaEnvironment kda_;
  std::optional<TargetSession> session_;
};

}  // namespace kagibin::se
