// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp03/scp03_host.h"

#include "kagibin/apdu/status_words.h"
#include "kagibin/scp/scp03/scp03_messages.h"

namespace kagibin::scp {

namespace {

constexpr std::uint8_t kGlobalPlatformClass = 0x80;
constexpr std::uint32_t kAnyShortLe = 256;

}  // namespace

Scp03Host::Scp03Host(Scp03KeySet keys, Scp03HostOptions options)
    : keys_(std::move(keys)), options_(options) {}

Result<apdu::CommandApdu> Scp03Host::initialize_update(crypto::Rng& rng) {
  close();
  state_ = State::kNew;
  Bytes challenge(options_.s16 ? 16 : 8);
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

Result<apdu::CommandApdu> Scp03Host::external_authenticate(const apdu::ResponseApdu& answer,
                                                           SecurityLevel level) {
  if (state_ != State::kChallenged) {
    return fail(Errc::kState, "EXTERNAL AUTHENTICATE follows INITIALIZE UPDATE");
  }
  close();  // every failure below ends the attempt; the last line opens it again
  if (!apdu::sw::is_ok(answer.sw)) {
    return fail(Errc::kCardStatus, "the card refused INITIALIZE UPDATE", answer.sw);
  }
  answer_ = KB_TRY(InitializeUpdateAnswer::decode(answer.data));
  const Scp03Parameter parameter = answer_->parameter;
  if (parameter.s16() != options_.s16) {
    return fail(Errc::kNotSupported, "the card answered in the other of the modes S8 and S16");
  }
  if (parameter.pseudo_random() && !options_.allow_pseudo_random) {
    return fail(Errc::kPolicy, "the card's challenge is pseudo-random and the policy wants random");
  }
  if (!allows(parameter, level)) {
    return fail(Errc::kValue, "the card's parameter i does not allow this security level");
  }
  if (answer_->sequence_counter && options_.aid) {
    const Bytes expected = KB_TRY(scp03_pseudo_random_challenge(
        keys_, *answer_->sequence_counter, options_.aid->view(), parameter.mac_size()));
    if (!ct_equal(expected, answer_->card_challenge)) {
      return fail(Errc::kAuthentication, "the card does not hold this key set");
    }
  }
  Scp03SessionKeys session =
      KB_TRY(Scp03SessionKeys::derive(keys_, host_challenge_, answer_->card_challenge));
  const std::size_t size = parameter.mac_size();
  const Bytes expected = KB_TRY(scp03_cryptogram(session, kDeriveCardCryptogram, host_challenge_,
                                                 answer_->card_challenge, size));
  if (!ct_equal(expected, answer_->card_cryptogram)) {
    return fail(Errc::kAuthentication, "the card does not hold this key set");
  }
  apdu::CommandApdu command{.cla = kGlobalPlatformClass | 0x04,
                            .ins = apdu::ins::kExternalAuthenticate,
                            .p1 = level.value,
                            .p2 = 0};
  command.data = KB_TRY(scp03_cryptogram(session, kDeriveHostCryptogram, host_challenge_,
                                         answer_->card_challenge, size));
  const crypto::AesBlock mac = KB_TRY(command_mac(session, {}, command, command.data, size));
  append(command.data, ByteView(mac).first(size));
  messaging_.emplace(AesSession{.keys = std::move(session),
                                .dek = keys_.dek.duplicate(),
                                .chaining_value = mac,
                                .level = level,
                                .mac_size = size});
  state_ = State::kAuthenticating;
  return command;
}

Result<void> Scp03Host::finish_authentication(const apdu::ResponseApdu& answer) {
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

Result<apdu::CommandApdu> Scp03Host::wrap(const PlainCommand& command, bool extended) {
  if (!open() || !messaging_) {
    return fail(Errc::kState, "no secure channel session is open");
  }
  return messaging_->wrap(command, extended);
}

Result<HostSession::Unwrapped> Scp03Host::unwrap(const apdu::ResponseApdu& answer) {
  if (!open() || !messaging_) {
    return fail(Errc::kState, "no secure channel session is open");
  }
  auto out = messaging_->unwrap(answer);
  if (!out) {
    close();
  }
  return out;
}

Result<Bytes> Scp03Host::encrypt_sensitive(ByteView value) const {
  if (!open() || !messaging_) {
    return fail(Errc::kState, "no secure channel session is open");
  }
  return messaging_->encrypt_sensitive(value);
}

Result<apdu::CommandApdu> Scp03Host::begin_r_mac(SecurityLevel responses, ByteView data) {
  if (!open() || !messaging_) {
    return fail(Errc::kState, "no secure channel session is open");
  }
  return messaging_->begin_r_mac(responses, data);
}

Result<apdu::CommandApdu> Scp03Host::end_r_mac() {
  if (!open() || !messaging_) {
    return fail(Errc::kState, "no secure channel session is open");
  }
  return messaging_->end_r_mac();
}

void Scp03Host::close() {
  state_ = State::kClosed;
  answer_.reset();
  messaging_.reset();
}

bool scp03_card_holds(const Scp03KeySet& keys,
                      ByteView host_challenge,
                      const InitializeUpdateAnswer& answer) {
  if (host_challenge.size() != answer.parameter.mac_size()) {
    return false;
  }
  const auto session = Scp03SessionKeys::derive(keys, host_challenge, answer.card_challenge);
  if (!session) {
    return false;
  }
  const auto expected = scp03_cryptogram(*session, kDeriveCardCryptogram, host_challenge,
                                         answer.card_challenge, answer.parameter.mac_size());
  return expected.has_value() && ct_equal(*expected, answer.card_cryptogram);
}

}  // namespace kagibin::scp
