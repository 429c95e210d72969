// SPDX-License-Identifier: Apache-2.0
// A virtual element that says on standard error why it refused a command (se/explain): for whoever
// runs it, while hosts are brought up against it.
//
// A few lines of text a refusal, or one JSON object on one line. The answers are the same octets as
// without it. Ownership: refers to the card and its element. Thread-safety: one thread.
//
//   refused: INSTALL [for load] (80 E6 02 00), channel 0, A000000151000000 selected
//     6982   the security status is not satisfied
//     why    ...
//     clause GPCS 11.5
//     do     open a secure channel session at the level that the command needs
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kagibin/link/vpcd_card.h"
#include "kagibin/se/element.h"
#include "kagibin/se/explain/explanation.h"

namespace kagibin::cli {

// `number`: of one of many elements, in front of it.
std::string explanation_text(const se::Explanation& why, std::optional<std::uint32_t> number = {});
// One line, without the line feed: "refused", "class", ..., "tries_left" where they are known.
std::string explanation_json(const se::Explanation& why, std::optional<std::uint32_t> number = {});

class ExplainingCard final : public link::CardSide {
 public:
  ExplainingCard(link::CardSide& card,
                 const se::Element& element,
                 bool json,
                 std::optional<std::uint32_t> number = {})
      : card_(card), element_(element), json_(json), number_(number) {}
  void power_on() override { card_.power_on(); }
  void power_off() override { card_.power_off(); }
  void reset() override { card_.reset(); }
  Bytes atr() const override { return card_.atr(); }
  Result<Bytes> transmit(ByteView command) override;

 private:
  link::CardSide& card_;
  const se::Element& element_;
  bool json_;
  std::optional<std::uint32_t> number_;
};

}  // namespace kagibin::cli
