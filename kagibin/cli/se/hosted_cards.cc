// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/se/hosted_cards.h"

#include <chrono>
#include <optional>
#include <utility>

#include "kagibin/cli/se/element_card.h"
#include "kagibin/cli/se/explaining_card.h"

namespace kagibin::cli {

namespace {

constexpr std::chrono::milliseconds kPatience{2'000};

class HostedCard final : public link::CardSide {
 public:
  HostedCard(se::ElementHost::Lease lease, HostedCards::Explain explain)
      : lease_(std::move(lease)), card_(lease_.element()) {
    if (explain != HostedCards::Explain::kNo) {
      explaining_.emplace(card_, lease_.element(), explain == HostedCards::Explain::kJson,
                          lease_.number());
    }
  }
  void power_on() override { card_.power_on(); }
  void power_off() override { card_.power_off(); }
  void reset() override { card_.reset(); }
  Bytes atr() const override { return card_.atr(); }
  Result<Bytes> transmit(ByteView command) override {
    return explaining_ ? explaining_->transmit(command) : card_.transmit(command);
  }

 private:
  se::ElementHost::Lease lease_;
  ElementCard card_;
  std::optional<ExplainingCard> explaining_{};
};

}  // namespace

Result<std::unique_ptr<link::CardSide>> HostedCards::take(std::uint32_t number) {
  return std::make_unique<HostedCard>(KB_TRY(host_.take(number, kPatience)), explain_);
}

}  // namespace kagibin::cli
