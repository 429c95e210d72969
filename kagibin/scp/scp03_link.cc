// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp03_link.h"

#include "kagibin/apdu/exchange.h"
#include "kagibin/scp/scp03_messages.h"

namespace kagibin::scp {
namespace {

Result<apdu::ResponseApdu> authenticating(apdu::CardLink& link, const apdu::CommandApdu& command) {
  apdu::ResponseApdu answer = KB_TRY(apdu::exchange(link, command));
  if (answer.sw.value != 0x9000) {
    return fail(Errc::kCardStatus, "the card refuses the secure channel", answer.sw);
  }
  return answer;
}

}  // namespace

Result<Scp03Link> Scp03Link::open(apdu::CardLink& link,
                                  const Scp03KeySet& keys,
                                  const Scp03HostOptions& options,
                                  SecurityLevel level,
                                  crypto::Rng& rng) {
  Scp03Host host(keys.duplicate(), options);
  const apdu::CommandApdu initialize = KB_TRY(host.initialize_update(rng));
  const apdu::ResponseApdu challenge = KB_TRY(authenticating(link, initialize));
  const apdu::CommandApdu authenticate = KB_TRY(host.external_authenticate(challenge, level));
  const apdu::ResponseApdu accepted = KB_TRY(authenticating(link, authenticate));
  KB_TRY(host.finish_authentication(accepted));
  return Scp03Link(link, std::move(host));
}

Result<Bytes> Scp03Link::send(const PlainCommand& command) {
  const apdu::CommandApdu wrapped = KB_TRY(host_.wrap(command));
  const apdu::ResponseApdu answer = KB_TRY(apdu::exchange(*link_, wrapped));
  Scp03Host::Unwrapped plain = KB_TRY(host_.unwrap(answer));
  if (!carries_rmac(plain.response.sw)) {
    return fail(Errc::kCardStatus, "the card refuses the command", plain.response.sw);
  }
  return std::move(plain.response.data);
}

Result<Bytes> Scp03Link::send(const apdu::CommandApdu& command) {
  return send(PlainCommand{.cla = command.cla,
                           .ins = command.ins,
                           .p1 = command.p1,
                           .p2 = command.p2,
                           .data = command.data,
                           .le = command.le});
}

}  // namespace kagibin::scp
