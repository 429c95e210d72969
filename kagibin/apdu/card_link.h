// SPDX-License-Identifier: Apache-2.0
// The port to a card. Implemented in link/ (PC/SC, vpcd's side, in process) and by
// test doubles.
//
// A link carries whole APDUs. It never retries: an answer that got lost is an error, and what it
// means is the caller's to find out. Errors: kCardLink (reader or connection gone, answer lost).
// Some ways to a card cannot reset it (a phone's application reaches a channel of its UICC alone).
#pragma once

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::apdu {

class CardLink {
 public:
  CardLink() = default;
  CardLink(const CardLink&) = delete;
  CardLink& operator=(const CardLink&) = delete;
  virtual ~CardLink() = default;
  // C-APDU in, R-APDU with SW1-SW2 out (at least two octets).
  virtual Result<Bytes> transmit(ByteView command) = 0;
  // Warm reset: every session and every logical channel in the card ends. kNotSupported where this
  // way to the card has none.
  virtual Result<void> reset() {
    return fail(Errc::kNotSupported, "the card cannot be reset this way: switch it off and on");
  }
};

}  // namespace kagibin::apdu
