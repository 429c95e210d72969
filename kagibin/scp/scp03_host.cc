// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp03_host.h"

#include "kagibin/apdu/status_words.h"
#include "kagibin/scp/scp03_messages.h"

namespace kagibin::scp {

namespace {

constexpr std::uint8_t kGlobalPlatformClass = 0x80;
constexpr std::size_t kShortLimit = 255;
constexpr std::size_t kExtendedLimit = 65'535;
constexpr std::uint32_t kAnyShortLe = 256;

std::size_t padded_size(std::size_t size) {
  return (size / crypto::kAesBlockSize + 1) * crypto::kAesBlockSize;
}

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
  chaining_value_ = KB_TRY(command_mac(session, {}, command, command.data, size));
  append(command.data, ByteView(chaining_value_).first(size));
  session_ = std::move(session);
  mac_size_ = size;
  level_ = level;
  counter_ = 0;
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
  if (state_ != State::kOpen || !session_) {
    return fail(Errc::kState, "no secure channel session is open");
  }
  apdu::ClassOctet cla = KB_TRY(apdu::ClassOctet::decode(command.cla));
  if (cla.channel != 0 || cla.secure_messaging) {
    return fail(Errc::kInvalidArgument,
                "a plain command is on channel 0, without the secure-messaging bit");
  }
  const std::size_t mac_size = level_.c_mac() ? mac_size_ : 0;
  const bool encrypt = level_.c_decryption() && !command.data.empty();
  const std::size_t body = encrypt ? padded_size(command.data.size()) : command.data.size();
  if (body + mac_size > (extended ? kExtendedLimit : kShortLimit)) {
    return fail(Errc::kLimit, "the wrapped data is longer than one command takes");
  }
  if (counter_ == kMaxCounter) {
    return fail(Errc::kLimit, "the session's encryption counter is used up: open a new session");
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
    const Bytes cipher =
        KB_TRY(encrypt_data(*session_, counter_ + 1, Direction::kCommand, command.data));
    append(out.data, cipher);
  } else {
    append(out.data, command.data);
  }
  if (level_.c_mac()) {
    chaining_value_ = KB_TRY(command_mac(*session_, chaining_value_, out, out.data, mac_size));
    append(out.data, ByteView(chaining_value_).first(mac_size));
  }
  ++counter_;
  return out;
}

Result<Scp03Host::Unwrapped> Scp03Host::unwrap(const apdu::ResponseApdu& answer) {
  if (state_ != State::kOpen || !session_) {
    return fail(Errc::kState, "no secure channel session is open");
  }
  if (!level_.r_mac() || !carries_rmac(answer.sw)) {
    return Unwrapped{answer, false};
  }
  auto out = verify(*session_, answer);
  if (!out) {
    close();
  }
  return out;
}

Result<Scp03Host::Unwrapped> Scp03Host::verify(const Scp03SessionKeys& session,
                                               const apdu::ResponseApdu& answer) const {
  if (answer.data.size() < mac_size_) {
    return fail(Errc::kAuthentication, "secure messaging is wrong");
  }
  const ByteView body = ByteView(answer.data).first(answer.data.size() - mac_size_);
  const crypto::AesBlock mac = KB_TRY(response_mac(session, chaining_value_, body, answer.sw));
  if (!ct_equal(ByteView(mac).first(mac_size_), ByteView(answer.data).last(mac_size_))) {
    return fail(Errc::kAuthentication, "secure messaging is wrong");
  }
  Unwrapped out{.response = {.data = {}, .sw = answer.sw}, .authenticated = true};
  if (level_.r_encryption() && !body.empty()) {
    const SecretBytes plain = KB_TRY(decrypt_data(session, counter_, Direction::kResponse, body));
    append(out.response.data, plain.expose());
  } else {
    append(out.response.data, body);
  }
  return out;
}

Result<Bytes> Scp03Host::encrypt_sensitive(ByteView value) const {
  if (state_ != State::kOpen) {
    return fail(Errc::kState, "no secure channel session is open");
  }
  if (value.empty()) {
    return fail(Errc::kInvalidArgument, "there is no value to encrypt");
  }
  return crypto::aes_cbc_encrypt(keys_.dek.expose(), {}, value);
}

void Scp03Host::close() {
  state_ = State::kClosed;
  session_.reset();
  answer_.reset();
  mac_size_ = 0;
  chaining_value_ = {};
  counter_ = 0;
  level_ = {};
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
