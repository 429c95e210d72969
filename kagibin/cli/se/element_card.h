// SPDX-License-Identifier: Apache-2.0
// A virtual element behind a reader: se::Element as link::CardSide.
#pragma once

#include "kagibin/link/vpcd_card.h"
#include "kagibin/se/element.h"

namespace kagibin::cli {

class ElementCard final : public link::CardSide {
 public:
  explicit ElementCard(se::Element& element) : element_(element) {}
  void power_on() override { element_.power_on(); }
  void power_off() override { element_.power_off(); }
  void reset() override { element_.reset(); }
  Bytes atr() const override { return {element_.atr().begin(), element_.atr().end()}; }
  Result<Bytes> transmit(ByteView command) override {
    if (!element_.has_power()) {
      element_.power_on();  // a reader that forgot to, or a new connection
    }
    return element_.transmit(command);
  }

 private:
  se::Element& element_;
};

}  // namespace kagibin::cli
