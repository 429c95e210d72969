// SPDX-License-Identifier: Apache-2.0
#include "kagibin/apdu/exchange.h"

#include "kagibin/apdu/status_words.h"

namespace kagibin::apdu {
namespace {

constexpr std::size_t kMaxAnswer = 65'536;

// xx of 61xx and 6Cxx; 00 stands for 256.
std::uint32_t length_of(StatusWord sw) { return sw.sw2() == 0 ? 256 : sw.sw2(); }

}  // namespace

Result<ResponseApdu> exchange(CardLink& link, const CommandApdu& command) {
  const auto once = [&](const CommandApdu& one) -> Result<ResponseApdu> {
    const Bytes answer = KB_TRY(link.transmit(one.encode()));
    return ResponseApdu::decode(answer);
  };
  return exchange(once, command, {.most = kMaxAnswer, .continuation = command.cla});
}

Result<ResponseApdu> exchange(const Transmit& transmit,
                              const CommandApdu& command,
                              const ExchangeRules& rules) {
  ResponseApdu answer = KB_TRY(transmit(command));
  if (sw::wants_le(answer.sw)) {
    CommandApdu again = command;
    again.le = length_of(answer.sw);
    answer = KB_TRY(transmit(again));
  }
  while (sw::has_more(answer.sw)) {
    const ResponseApdu more = KB_TRY(transmit({.cla = rules.continuation,
                                               .ins = ins::kGetResponse,
                                               .data = {},
                                               .le = length_of(answer.sw)}));
    append(answer.data, more.data);
    answer.sw = more.sw;
    const bool stands = more.data.empty() && sw::has_more(more.sw);
    if (stands || answer.data.size() > rules.most) {
      return fail(Errc::kLimit, "the card's answer does not end");
    }
  }
  return answer;
}

}  // namespace kagibin::apdu
