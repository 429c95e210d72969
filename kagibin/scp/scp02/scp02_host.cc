// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp02/scp02_host.h"

#include "kagibin/apdu/status_words.h"
#include "kagibin/scp/scp02/scp02_messages.h"

namespace kagibin::scp {

namespace {

constexpr std::uint8_t kGlobalPlatformClass = 0x80;
constexpr std::size_t kShortLimit = 255;
constexpr std::size_t kExtendedLimit = 65'535;
constexpr std::uint32_t kAnyShortLe = 256;

std::size_t padded_size(std::size_t size) {
  return (size / crypto::kDesBlockSize + 1) * crypto::kDesBlockSize;
}

}  // namespace

Scp02Host::Scp02Host(Scp02KeySet keys, Scp02HostOptions options)
    : keys_(std::move(keys)), options_(std::move(options)) {}

Result<apdu::CommandApdu> Scp02Host::initialize_update(crypto::Rng& rng) {
  close();
  state_ = State::kNew;
  Bytes challenge(kScp02ChallengeSize);
  KB_TRY(rng.fill(challenge));
  host_challenge_ = std::move(challenge);
  state_ = State::kChallenged;
  return apdu::CommandApdu{.cla = kGlobalPlatformClass,
                           .ins = apdu::ins::kInitializeUpdate,
                           .p1 = options_.key_version_number,
                           .p2 = options_.key_identifier,
                           .data = host_challenge_,
                           .le = kAnyShortLe};
}

Result<apdu::CommandApdu> Scp02Host::external_authenticate(const apdu::ResponseApdu& answer,
                                                           SecurityLevel level) {
  if (state_ != State::kChallenged) {
    return fail(Errc::kState, "EXTERNAL AUTHENTICATE follows INITIALIZE UPDATE");
  }
  close();  // every failure below ends the attempt; the last line opens it again
  if (!apdu::sw::is_ok(answer.sw)) {
    return fail(Errc::kCardStatus, "the card refused INITIALIZE UPDATE", answer.sw);
  }
  answer_ = KB_TRY(Scp02InitializeUpdateAnswer::decode(answer.data));
  if (!is_scp02_level(level)) {
    return fail(Errc::kValue, "an SCP02 security level without R-MAC is 00, 01 or 03");
  }
  Scp02SessionKeys session = KB_TRY(Scp02SessionKeys::derive(keys_, answer_->sequence_counter));
  const crypto::DesBlock expected =
      KB_TRY(scp02_card_cryptogram(session, host_challenge_, *answer_));
  if (!ct_equal(expected, answer_->card_cryptogram)) {
    return fail(Errc::kAuthentication, "the card does not hold this key set");
  }
  if (options_.aid) {
    const Scp02CardChallenge challenge =
        KB_TRY(scp02_pseudo_random_challenge(session, *options_.aid));
    if (!ct_equal(challenge, answer_->card_challenge)) {
      return fail(Errc::kAuthentication,
                  "the card's challenge does not follow from its counter and the AID: is i 55?");
    }
  }
  apdu::CommandApdu command{.cla = kGlobalPlatformClass | 0x04,
                            .ins = apdu::ins::kExternalAuthenticate,
                            .p1 = level.value,
                            .p2 = 0};
  const crypto::DesBlock cryptogram =
      KB_TRY(scp02_host_cryptogram(session, host_challenge_, *answer_));
  const crypto::DesBlock mac = KB_TRY(scp02_command_mac(session, {}, command, false, cryptogram));
  append(command.data, cryptogram);
  append(command.data, mac);
  session_ = std::move(session);
  c_mac_ = mac;
  level_ = level;
  state_ = State::kAuthenticating;
  return command;
}

Result<void> Scp02Host::finish_authentication(const apdu::ResponseApdu& answer) {
  if (state_ != State::kAuthenticating) {
    return fail(Errc::kState, "no EXTERNAL AUTHENTICATE is under way");
  }
  if (!apdu::sw::is_ok(answer.sw)) {
    close();
    return fail(Errc::kCardStatus, "the card refused EXTERNAL AUTHENTICATE", answer.sw);
  }
  if (!answer.data.empty()) {
    close();
    return fail(Errc::kTrailing, "EXTERNAL AUTHENTICATE is answered without data");
  }
  state_ = State::kOpen;
  return {};
}

Result<apdu::CommandApdu> Scp02Host::wrap(const PlainCommand& command, bool extended) {
  if (state_ != State::kOpen || !session_) {
    return fail(Errc::kState, "no secure channel session is open");
  }
  apdu::ClassOctet cla = KB_TRY(apdu::ClassOctet::decode(command.cla));
  if (cla.channel != 0 || cla.secure_messaging) {
    return fail(Errc::kInvalidArgument,
                "a plain command is on channel 0, without the secure-messaging bit");
  }
  const std::size_t mac_size = level_.c_mac() ? kScp02MacSize : 0;
  const bool encrypt = level_.c_decryption() && !command.data.empty();
  const std::size_t body = encrypt ? padded_size(command.data.size()) : command.data.size();
  if (body + mac_size > (extended ? kExtendedLimit : kShortLimit)) {
    return fail(Errc::kLimit, "the wrapped data is longer than one command takes");
  }
  cla.secure_messaging = level_.c_mac();
  apdu::CommandApdu out{.cla = cla.encode(),
                        .ins = command.ins,
                        .p1 = command.p1,
                        .p2 = command.p2,
                        .le = command.le,
                        .extended = extended};
  out.data.reserve(body + mac_size);
  if (encrypt) {
    const Bytes cipher = KB_TRY(scp02_encrypt_data(*session_, command.data));
    append(out.data, cipher);
  } else {
    append(out.data, command.data);
  }
  if (level_.c_mac()) {
    const crypto::DesBlock icv = KB_TRY(scp02_next_icv(*session_, c_mac_));
    c_mac_ = KB_TRY(scp02_command_mac(*session_, icv, out, is_sent_extended(out, body + mac_size),
                                      command.data));
    append(out.data, c_mac_);
  }
  return out;
}

Result<HostSession::Unwrapped> Scp02Host::unwrap(const apdu::ResponseApdu& answer) {
  if (state_ != State::kOpen) {
    return fail(Errc::kState, "no secure channel session is open");
  }
  return Unwrapped{answer, false};
}

Result<Bytes> Scp02Host::encrypt_sensitive(ByteView value) const {
  if (state_ != State::kOpen || !session_) {
    return fail(Errc::kState, "no secure channel session is open");
  }
  if (value.empty()) {
    return fail(Errc::kInvalidArgument, "there is no value to encrypt");
  }
  return crypto::des3_ecb_encrypt(session_->s_dek.expose(), value);
}

void Scp02Host::close() {
  state_ = State::kClosed;
  session_.reset();
  answer_.reset();
  level_ = {};
  c_mac_ = {};
}

}  // namespace kagibin::scp
