// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/selection/waiting_answer.h"

#include <algorithm>
#include <utility>

#include "kagibin/apdu/status_words.h"

namespace kagibin::se {

namespace sw = apdu::sw;
using apdu::ResponseApdu;

namespace {

constexpr std::size_t kShortAnswer = 256;

ResponseApdu refuse(StatusWord word) { return {.data = {}, .sw = word}; }

}  // namespace

ResponseApdu limit_answer(LogicalChannel& channel,
                          ResponseApdu answer,
                          const apdu::CommandApdu& command) {
  const std::size_t limit =
      command.le.value_or(command.extended ? 0x10000U : static_cast<std::uint32_t>(kShortAnswer));
  if (answer.data.size() <= limit) {
    return answer;
  }
  channel.waiting = std::move(answer.data);
  channel.waiting_sw = answer.sw;
  return get_response(channel, command);
}

ResponseApdu get_response(LogicalChannel& channel, const apdu::CommandApdu& command) {
  if (channel.waiting.empty()) {
    return refuse(sw::kConditionsNotSatisfied.because(
        "no answer waits for GET RESPONSE on this channel (ISO/IEC 7816-4, 5.3.4)"));
  }
  const bool repeated = command.ins == apdu::ins::kGetResponse;
  if (repeated && (command.p1 != 0 || command.p2 != 0)) {
    return refuse(
        sw::kIncorrectP1P2.because("P1 P2 of GET RESPONSE are 00 00 (ISO/IEC 7816-4, 7.6.1)"));
  }
  if (repeated && !command.data.empty()) {
    return refuse(sw::kWrongLength.because("GET RESPONSE carries no data (ISO/IEC 7816-4, 7.6.1)"));
  }
  const std::size_t limit = command.le.value_or(static_cast<std::uint32_t>(kShortAnswer));
  const auto count = static_cast<std::ptrdiff_t>(std::min(limit, channel.waiting.size()));
  const auto end = channel.waiting.begin() + count;
  ResponseApdu answer{.data = Bytes(channel.waiting.begin(), end), .sw = channel.waiting_sw};
  channel.waiting.erase(channel.waiting.begin(), end);
  if (!channel.waiting.empty()) {
    const std::size_t left = std::min<std::size_t>(channel.waiting.size(), kShortAnswer);
    answer.sw = StatusWord{static_cast<std::uint16_t>(0x6100U | (left & 0xFFU))};
  }
  return answer;
}

}  // namespace kagibin::se
