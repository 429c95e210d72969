// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/session_link.h"

#include <utility>

#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"

namespace kagibin::scp {

Result<apdu::ResponseApdu> exchange_opening(apdu::CardLink& link,
                                            const apdu::CommandApdu& command) {
  apdu::ResponseApdu answer = KB_TRY(apdu::exchange(link, command));
  if (!apdu::sw::is_ok(answer.sw)) {
    return fail(Errc::kCardStatus, "the card refuses the secure channel", answer.sw);
  }
  return answer;
}

Result<apdu::ResponseApdu> SessionLink::transmit(const PlainCommand& command) {
  const apdu::CommandApdu wrapped = KB_TRY(session_->wrap(command, false));
  const apdu::ResponseApdu answer = KB_TRY(apdu::exchange(*link_, wrapped));
  HostSession::Unwrapped plain = KB_TRY(session_->unwrap(answer));
  return std::move(plain.response);
}

Result<Bytes> SessionLink::send(const PlainCommand& command) {
  apdu::ResponseApdu answer = KB_TRY(transmit(command));
  const std::uint8_t first = answer.sw.sw1();
  if (!apdu::sw::is_ok(answer.sw) && first != 0x62 && first != 0x63) {
    return fail(Errc::kCardStatus, "the card refuses the command", answer.sw);
  }
  return std::move(answer.data);
}

}  // namespace kagibin::scp
