// SPDX-License-Identifier: Apache-2.0
#include "kagibin/kda/pump.h"

#include <utility>

#include "kagibin/apdu/status_words.h"
#include "kagibin/kda/commands.h"

namespace kagibin::kda {

namespace {

constexpr std::size_t kMaxCollected = 4096;
constexpr std::uint32_t kAnyLe = 256;

std::uint32_t announced(StatusWord sw) { return sw.sw2() == 0 ? kAnyLe : sw.sw2(); }

apdu::CommandApdu get_response(StatusWord sw) {
  return {.cla = 0x00, .ins = apdu::ins::kGetResponse, .le = announced(sw)};
}

// ISO/IEC 7816-4, 5.6: 9000 and the warnings 62xx, 63xx: the selection took place.
bool selected(StatusWord sw) { return apdu::sw::is_ok(sw) || sw.sw1() == 0x62 || sw.sw1() == 0x63; }

}  // namespace

Pump::Step Pump::start() {
  exchanges_ = 0;
  return ask(std::nullopt);
}

Pump::Step Pump::ask(std::optional<apdu::ResponseApdu> last) {
  if (last && last->data.size() > NextRequest::kMaxAnswer) {
    last->data.resize(NextRequest::kMaxAnswer);
  }
  const Commands blocks = next(NextRequest{handle_, std::move(last)}.encode());
  blocks_.assign(blocks.begin(), blocks.end());
  stage_ = Stage::kNext;
  apdu::CommandApdu first = std::move(blocks_.front());
  blocks_.pop_front();
  return transmit(Channel::kKda, std::move(first));
}

Pump::Step Pump::transmit(Channel channel, apdu::CommandApdu command) {
  if (exchanges_ >= kMaxExchanges) {
    return failed("the delivery took more exchanges than any delivery needs");
  }
  ++exchanges_;
  collected_.clear();
  sent_ = command;
  sent_on_ = channel;
  return {.need = Need::kTransmit, .channel = channel, .command = std::move(command)};
}

Pump::Step Pump::failed(Detail why, StatusWord sw) {
  stage_ = Stage::kIdle;
  return {.need = Need::kFailed, .sw = sw, .failure = Error{Errc::kCardStatus, why, sw}};
}

Pump::Step Pump::answered(const apdu::ResponseApdu& answer) {
  KB_CHECK(stage_ != Stage::kIdle);
  if (apdu::sw::wants_le(answer.sw)) {
    if (sent_.le == announced(answer.sw)) {
      return failed("the card asks for the same length again and again", answer.sw);
    }
    apdu::CommandApdu again = sent_;
    again.le = announced(answer.sw);
    return transmit(sent_on_, std::move(again));
  }
  apdu::ResponseApdu whole{std::move(collected_), answer.sw};
  append(whole.data, answer.data);
  if (apdu::sw::has_more(answer.sw)) {
    if (whole.data.size() > kMaxCollected) {
      return failed("the card's answer does not end", answer.sw);
    }
    Step step = transmit(sent_on_, get_response(answer.sw));
    collected_ = std::move(whole.data);
    return step;
  }
  switch (stage_) {
    case Stage::kNext:
      return kda_answered(whole);
    case Stage::kSelect:
      if (selected(whole.sw)) {
        stage_ = Stage::kTarget;
        return transmit(Channel::kTarget, std::exchange(after_selection_, {}));
      }
      return ask(std::move(whole));
    case Stage::kTarget:
    case Stage::kIdle:
      break;
  }
  return ask(std::move(whole));
}

Pump::Step Pump::kda_answered(const apdu::ResponseApdu& answer) {
  if (!apdu::sw::is_ok(answer.sw)) {
    return failed("the key delivery application refused NEXT", answer.sw);
  }
  if (!blocks_.empty()) {
    apdu::CommandApdu block = std::move(blocks_.front());
    blocks_.pop_front();
    return transmit(Channel::kKda, std::move(block));
  }
  auto next_answer = NextAnswer::decode(answer.data);
  if (!next_answer) {
    return failed("the key delivery application's answer to NEXT is malformed", answer.sw);
  }
  return follow(std::move(*next_answer));
}

Pump::Step Pump::follow(NextAnswer answer) {
  if (answer.command && answer.select) {
    stage_ = Stage::kSelect;
    after_selection_ = std::move(*answer.command);
    const ByteView aid = answer.select->view();
    return transmit(Channel::kTarget, {.cla = 0x00,
                                       .ins = apdu::ins::kSelect,
                                       .p1 = 0x04,
                                       .data = Bytes(aid.begin(), aid.end()),
                                       .le = kAnyLe});
  }
  if (answer.command) {
    stage_ = Stage::kTarget;
    return transmit(Channel::kTarget, std::move(*answer.command));
  }
  stage_ = Stage::kIdle;
  if (answer.hint == Hint::kReset) {
    return {.need = Need::kReset};
  }
  return {.need = answer.hint == Hint::kWait ? Need::kWait : Need::kDone};
}

}  // namespace kagibin::kda
