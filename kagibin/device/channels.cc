// SPDX-License-Identifier: Apache-2.0
#include "kagibin/device/channels.h"

#include <utility>

#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"

namespace kagibin::device {

namespace {

constexpr std::uint8_t kOpen = 0x00;
constexpr std::uint8_t kClose = 0x80;

}  // namespace

Result<std::uint8_t> Channels::open_channel(apdu::CardLink& card) {
  const apdu::CommandApdu open{.ins = apdu::ins::kManageChannel, .p1 = kOpen, .data = {}, .le = 1};
  const Bytes octets = KB_TRY(card.transmit(open.encode()));
  const apdu::ResponseApdu answer = KB_TRY(apdu::ResponseApdu::decode(octets));
  const bool usable = apdu::sw::is_ok(answer.sw) && answer.data.size() == 1 &&
                      answer.data[0] >= 1 && answer.data[0] <= 19;
  if (!usable) {
    return fail(Errc::kNotSupported,
                "the card gives no second logical channel; use --kda-reader and --target-reader",
                answer.sw);
  }
  return answer.data[0];
}

void Channels::close_channel(const Way& way) {
  if (way.card != nullptr && way.channel != 0) {
    const apdu::CommandApdu close{
        .ins = apdu::ins::kManageChannel, .p1 = kClose, .p2 = way.channel, .data = {}};
    static_cast<void>(way.card->transmit(close.encode()));
  }
}

Result<Channels> Channels::open_logical(apdu::CardLink& card) {
  const Way kda{&card, KB_TRY(open_channel(card))};
  auto target = open_channel(card);
  if (!target) {
    close_channel(kda);
    return std::unexpected(target.error());
  }
  return Channels(kda, Way{&card, *target});
}

Channels Channels::open_separate(apdu::CardLink& kda_card, apdu::CardLink& target_card) {
  return {Way{&kda_card, 0}, Way{&target_card, 0}};
}

Channels::Channels(Channels&& other) noexcept
    : kda_(std::exchange(other.kda_, {})),
      target_(std::exchange(other.target_, {})),
      traffic_(other.traffic_) {}

Channels::~Channels() {
  close_channel(target_);
  close_channel(kda_);
}

Result<apdu::ResponseApdu> Channels::transmit(Side side, const apdu::CommandApdu& command) {
  const Way& way = side == Side::kKda ? kda_ : target_;
  apdu::CommandApdu sent = command;
  sent.cla = KB_TRY(apdu::on_channel(command.cla, way.channel));
  const Bytes octets = sent.encode();
  const Bytes answer = KB_TRY(way.card->transmit(octets));
  ++traffic_.apdus;
  traffic_.command_bytes += octets.size();
  traffic_.response_bytes += answer.size();
  return apdu::ResponseApdu::decode(answer);
}

Result<apdu::ResponseApdu> Channels::exchange(Side side,
                                              const apdu::CommandApdu& command,
                                              std::size_t most) {
  return apdu::exchange([&](const apdu::CommandApdu& one) { return transmit(side, one); }, command,
                        {.most = most, .continuation = 0x00});
}

Result<void> Channels::reset() {
  const bool is_logical = kda_.channel != 0;
  KB_TRY(kda_.card->reset());
  if (target_.card != kda_.card) {
    KB_TRY(target_.card->reset());
  }
  // The reset closed them: nothing to close should opening fail.
  kda_.channel = target_.channel = 0;
  if (is_logical) {
    for (Way* way : {&kda_, &target_}) {
      const auto opened = open_channel(*way->card);
      if (!opened) {
        return fail(Errc::kCardLink, "after its reset the card opens no logical channel");
      }
      way->channel = *opened;
    }
  }
  return {};
}

}  // namespace kagibin::device
