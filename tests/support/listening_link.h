// SPDX-License-Identifier: Apache-2.0
// A device that carries everything and keeps it. For tests only. Thread-safety: none.
//
//   ListeningLink device(*card.element);
//   card.middle = &device;
//   ... EXPECT_EQ(device.count(0xD8), 1); device.heard has every octet of both directions ...
#pragma once

#include <algorithm>
#include <vector>

#include "kagibin/apdu/card_link.h"

namespace kagibin::test {

class ListeningLink final : public apdu::CardLink {
 public:
  explicit ListeningLink(apdu::CardLink& card) : card_(card) {}
  Result<Bytes> transmit(ByteView command) override {
    instructions.push_back(command[1]);
    append(heard, command);
    Bytes answer = KB_TRY(card_.transmit(command));
    append(heard, answer);
    return answer;
  }
  std::size_t count(std::uint8_t instruction) const {
    return static_cast<std::size_t>(std::ranges::count(instructions, instruction));
  }
  Bytes heard;
  std::vector<std::uint8_t> instructions;

 private:
  apdu::CardLink& card_;
};

}  // namespace kagibin::test
