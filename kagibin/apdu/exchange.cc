// SPDX-License-Identifier: Apache-2.0
#include "kagibin/apdu/exchange.h"

#include "kagibin/apdu/status_words.h"

namespace kagibin::apdu {
namespace {

constexpr std::size_t kMaxAnswer = 65'536;

Result<ResponseApdu> once(CardLink& link, const CommandApdu& command) {
  const Bytes answer = KB_TRY(link.transmit(command.encode()));
  return ResponseApdu::decode(answer);
}

// xx of 61xx and 6Cxx; 00 stands for 256.
std::uint32_t length_of(StatusWord sw) { return sw.sw2() == 0 ? 256 : sw.sw2(); }

}  // namespace

Result<ResponseApdu> exchange(CardLink& link, const CommandApdu& command) {
  ResponseApdu answer = KB_TRY(once(link, command));
  if (sw::wants_le(answer.sw)) {
    CommandApdu again = command;
    again.le = length_of(answer.sw);
    answer = KB_TRY(once(link, again));
  }
  while (sw::has_more(answer.sw)) {
    const ResponseApdu more = KB_TRY(
        once(link, {.cla = command.cla, .ins = ins::kGetResponse, .le = length_of(answer.sw)}));
    append(answer.data, more.data);
    answer.sw = more.sw;
    if (answer.data.size() > kMaxAnswer) {
      return fail(Errc::kLimit, "the card's answer does not end");
    }
  }
  return answer;
}

}  // namespace kagibin::apdu
