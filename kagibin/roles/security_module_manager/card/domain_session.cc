// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/security_module_manager/card/domain_session.h"

#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/gp/command_pieces.h"

namespace kagibin::roles::security_module_manager {
namespace {

constexpr std::size_t kShortLimit = 255;

// The answer to the last piece, or to the first that is refused.
Result<apdu::ResponseApdu> exchange_pieces(apdu::CardLink& link, const apdu::CommandApdu& command) {
  apdu::ResponseApdu answer;
  for (const apdu::CommandApdu& piece : gp::cut_into_pieces(command)) {
    answer = KB_TRY(apdu::exchange(link, piece));
    if (!apdu::sw::is_ok(answer.sw)) {
      break;
    }
  }
  return answer;
}

}  // namespace

bool is_done(StatusWord sw) { return apdu::sw::is_ok(sw) || sw.sw1() == 0x62 || sw.sw1() == 0x63; }

apdu::CommandApdu in_the_clear(const scp::PlainCommand& command) {
  return {.cla = command.cla,
          .ins = command.ins,
          .p1 = command.p1,
          .p2 = command.p2,
          .data = Bytes(command.data.begin(), command.data.end()),
          .le = command.le};
}

Result<apdu::ResponseApdu> CommandPort::transmit(const scp::PlainCommand& command) {
  header_ = {command.cla, command.ins, command.p1, command.p2};
  apdu::ResponseApdu answer = KB_TRY(exchange(command));
  has_done_data_ |= !command.data.empty() && is_done(answer.sw);
  return answer;
}

Result<Bytes> CommandPort::send(const apdu::CommandApdu& command, Detail refused) {
  apdu::ResponseApdu answer = KB_TRY(transmit(scp::plain_command(command)));
  if (!is_done(answer.sw)) {
    return fail(Errc::kCardStatus, refused, answer.sw);
  }
  return std::move(answer.data);
}

Result<gp::SensitiveCipher> DomainSession::cipher() const {
  return gp::SensitiveCipher{
      .encrypt = [this](ByteView value) { return session_->encrypt_sensitive(value); },
      .block_bytes = session_->sensitive_block_bytes()};
}

std::size_t DomainSession::longest_data() const {
  const scp::SecurityLevel level = session_->level();
  const std::size_t room = kShortLimit - (level.c_mac() ? mac_size_ : 0);
  if (!level.c_decryption()) {
    return room;
  }
  const std::size_t block = session_->sensitive_block_bytes();
  return room / block * block - 1;  // one octet of padding at least
}

Result<apdu::ResponseApdu> DomainSession::exchange(const scp::PlainCommand& command) {
  auto wrapped = session_->wrap(command, false);
  if (!wrapped && wrapped.error().code == Errc::kLimit && command.data.size() > longest_data()) {
    wrapped = session_->wrap(command, true);
  }
  if (!wrapped) {
    return std::unexpected(wrapped.error());
  }
  const apdu::ResponseApdu answer =
      KB_TRY(long_commands_ == LongCommands::kPieces ? exchange_pieces(link_, *wrapped)
                                                     : apdu::exchange(link_, *wrapped));
  scp::HostSession::Unwrapped plain = KB_TRY(session_->unwrap(answer));
  return std::move(plain.response);
}

Result<gp::SensitiveCipher> BareCard::cipher() const {
  return fail(Errc::kState, "without a secure channel there is no key for sensitive data");
}

Result<apdu::ResponseApdu> BareCard::exchange(const scp::PlainCommand& command) {
  return apdu::exchange(link_, in_the_clear(command));
}

}  // namespace kagibin::roles::security_module_manager
