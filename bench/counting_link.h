// SPDX-License-Identifier: Apache-2.0
// A link that counts what goes over it, MANAGE CHANNEL and SELECT of a visit included.
#pragma once

#include <cstdint>

#include "kagibin/apdu/card_link.h"

namespace kagibin::bench {

class CountingLink final : public apdu::CardLink {
 public:
  explicit CountingLink(apdu::CardLink& card) : card_(card) {}
  Result<Bytes> transmit(ByteView command) override {
    ++apdus;
    bytes += command.size();
    Bytes answer = KB_TRY(card_.transmit(command));
    bytes += answer.size();
    return answer;
  }
  std::uint64_t apdus = 0;
  std::uint64_t bytes = 0;

 private:
  apdu::CardLink& card_;
};

}  // namespace kagibin::bench
