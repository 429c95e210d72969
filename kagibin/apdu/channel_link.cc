// SPDX-License-Identifier: Apache-2.0
#include "kagibin/apdu/channel_link.h"

#include "kagibin/apdu/apdu.h"
#include "kagibin/apdu/status_words.h"

namespace kagibin::apdu {
namespace {

constexpr std::uint8_t kCloseChannel = 0x80;  // P1

}  // namespace

Result<std::unique_ptr<ChannelLink>> ChannelLink::open(CardLink& card) {
  const CommandApdu command{.ins = ins::kManageChannel, .le = 1};
  const Bytes octets = KB_TRY(card.transmit(command.encode()));
  const ResponseApdu answer = KB_TRY(ResponseApdu::decode(octets));
  const bool opened = sw::is_ok(answer.sw) && answer.data.size() == 1 && answer.data[0] != 0 &&
                      answer.data[0] <= kLastChannel;
  if (!opened) {
    return fail(Errc::kNotSupported, "the card gives no supplementary logical channel", answer.sw);
  }
  return std::unique_ptr<ChannelLink>(new ChannelLink(card, answer.data[0]));
}

Result<std::unique_ptr<ChannelLink>> ChannelLink::open(CardLink& card, std::uint8_t number) {
  KB_CHECK(number != 0 && number <= kLastChannel);
  const CommandApdu command{.ins = ins::kManageChannel, .p2 = number};
  const Bytes octets = KB_TRY(card.transmit(command.encode()));
  const ResponseApdu answer = KB_TRY(ResponseApdu::decode(octets));
  if (!sw::is_ok(answer.sw)) {
    return fail(Errc::kNotSupported, "the card does not open this logical channel", answer.sw);
  }
  return std::unique_ptr<ChannelLink>(new ChannelLink(card, number));
}

ChannelLink::~ChannelLink() {
  const CommandApdu command{.ins = ins::kManageChannel, .p1 = kCloseChannel, .p2 = channel_};
  static_cast<void>(card_.transmit(command.encode()));  // a card that is gone has closed it itself
}

Result<Bytes> ChannelLink::transmit(ByteView command) {
  Bytes on(command.begin(), command.end());
  if (on.empty()) {
    return fail(Errc::kTruncated, "an empty C-APDU");
  }
  on[0] = KB_TRY(on_channel(on[0], channel_));
  return card_.transmit(on);
}

}  // namespace kagibin::apdu
