// SPDX-License-Identifier: Apache-2.0
// A CardLink that calls a CardSide directly: whole deliveries in one process.
#pragma once

#include "kagibin/apdu/card_link.h"
#include "kagibin/link/vpcd_card.h"

namespace kagibin::link {

class InProcessLink final : public apdu::CardLink {
 public:
  explicit InProcessLink(CardSide& card) : card_(card) { card_.power_on(); }
  Result<Bytes> transmit(ByteView command) override;
  Result<void> reset() override {
    card_.power_on();
    return {};
  }

 private:
  CardSide& card_;
};

}  // namespace kagibin::link
