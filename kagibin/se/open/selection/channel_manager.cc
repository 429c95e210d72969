// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/selection/channel_manager.h"

#include <algorithm>

#include "kagibin/apdu/status_words.h"
#include "kagibin/se/open/selection/card_life_cycle.h"

namespace kagibin::se {

namespace sw = apdu::sw;
using apdu::ResponseApdu;

namespace {

constexpr std::uint8_t kOpen = 0x00;
constexpr std::uint8_t kClose = 0x80;
constexpr StatusWord kAlreadyClosed{0x6200};  // GPCS 11.7.3.2, a warning

ResponseApdu refuse(StatusWord word) { return {.data = {}, .sw = word}; }

}  // namespace

ResponseApdu ChannelManager::process(LogicalChannel& channel, const apdu::CommandApdu& command) {
  if (command.p1 != kOpen && command.p1 != kClose) {
    return refuse(
        sw::kIncorrectP1P2.because("P1 of MANAGE CHANNEL is 00, open, or 80, close (GPCS 11.7.2)"));
  }
  if (command.p2 >= ElementProfile::kMaxChannels) {
    return refuse(sw::kIncorrectP1P2.because("a logical channel is 00 to 13 (GPCS 11.7.2)"));
  }
  if (!command.data.empty()) {
    return refuse(sw::kWrongLength.because("MANAGE CHANNEL carries no data (GPCS 11.7.2)"));
  }
  if (command.p1 == kOpen) {
    return open(command);
  }
  const std::uint8_t number = command.p2 == 0 ? channel.number : command.p2;
  if (number == 0) {
    return refuse(
        sw::kFunctionNotSupported.because("the basic channel is always open (GPCS 6.3.1)"));
  }
  return number < channels_.all.size()
             ? close(channels_.all[number])
             : refuse(sw::kIncorrectP1P2.because("this element has no such logical channel"));
}

ResponseApdu ChannelManager::open(const apdu::CommandApdu& command) {
  const gp::CardState state = card_state(platform_);
  if (state == gp::CardState::kCardLocked || state == gp::CardState::kTerminated) {
    return refuse(sw::kFunctionNotSupported.because(
        "no logical channel is opened while the card is CARD_LOCKED or TERMINATED (GPCS 6.4.2.1, "
        "11.7.3.2)"));
  }
  const std::uint8_t number = command.p2;
  const auto free = std::ranges::find_if(channels_.all, [number](const LogicalChannel& channel) {
    return !channel.open && (number == 0 || channel.number == number);
  });
  if (free == channels_.all.end()) {
    return refuse(sw::kFunctionNotSupported.because(
        "the logical channel is open already, or this element has no more of them (GPCS "
        "11.7.3.2)"));
  }
  free->open = true;
  selector_.select_implicitly(*free);
  return {.data = number == 0 ? Bytes{free->number} : Bytes{}, .sw = sw::kOk};
}

ResponseApdu ChannelManager::close(LogicalChannel& channel) {
  if (!channel.open) {
    return refuse(kAlreadyClosed.because("the logical channel is closed (GPCS 11.7.3.2)"));
  }
  selector_.deselect(channel);
  channel.open = false;
  channel.waiting.clear();
  return refuse(sw::kOk);
}

}  // namespace kagibin::se
