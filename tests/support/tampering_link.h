// SPDX-License-Identifier: Apache-2.0
// A device that does not just carry APDUs: it may lose an answer, replace it, or not send a command
// at all. For tests only. Thread-safety: none.
//
//   TamperingLink device(*card.element, [](const CommandApdu& command) {
//     return command.ins == 0xD8 ? Tamper{.answer = StatusWord{0x6A80}} : Tamper{};
//   });
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "kagibin/apdu/apdu.h"
#include "kagibin/apdu/card_link.h"

namespace kagibin::test {

// What the device does with one command. Nothing set: it carries it.
struct Tamper {
  bool drop_command = false;            // the element never sees it; the link fails
  bool drop_answer = false;             // the element acts; the link fails
  std::optional<StatusWord> answer{};   // the element acts; this is reported instead
  std::optional<StatusWord> instead{};  // the element never sees it; this is reported
};

class TamperingLink final : public apdu::CardLink {
 public:
  using Decide = std::function<Tamper(const apdu::CommandApdu&)>;
  TamperingLink(apdu::CardLink& card, Decide decide) : card_(card), decide_(std::move(decide)) {}

  Result<Bytes> transmit(ByteView command) override {
    ++commands_;
    const auto decoded = KB_TRY(apdu::CommandApdu::decode(command));
    const Tamper tamper = decide_(decoded);
    if (tamper.drop_command) {
      return fail(Errc::kCardLink, "the reader was pulled out");
    }
    if (tamper.instead) {
      return apdu::ResponseApdu{.sw = *tamper.instead}.encode();
    }
    Bytes answer = KB_TRY(card_.transmit(command));
    if (tamper.drop_answer) {
      return fail(Errc::kCardLink, "the answer got lost");
    }
    if (tamper.answer) {
      return apdu::ResponseApdu{.sw = *tamper.answer}.encode();
    }
    return answer;
  }
  Result<void> reset() override { return card_.reset(); }
  std::size_t commands() const { return commands_; }

 private:
  apdu::CardLink& card_;
  Decide decide_;
  std::size_t commands_ = 0;
};

}  // namespace kagibin::test
