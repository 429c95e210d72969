// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp03_card.h"

#include "kagibin/scp/scp03_messages.h"

namespace kagibin::scp {

namespace {

namespace sw = apdu::sw;

// Which status word a failed calculation gives (the library failed; the input was checked before).
std::unexpected<StatusWord> broken() { return std::unexpected(sw::kNoDiagnosis); }

}  // namespace

std::expected<Bytes, StatusWord> Scp03Card::initialize_update(ByteView host_challenge,
                                                              Scp03KeySet keys,
                                                              const Scp03CardInit& init,
                                                              crypto::Rng& rng) {
  close();
  const std::size_t size = init.parameter.mac_size();
  if (host_challenge.size() != size) {
    return std::unexpected(sw::kWrongLength);
  }
  InitializeUpdateAnswer answer{.diversification_data = init.diversification_data,
                                .key_version_number = init.key_version_number,
                                .parameter = init.parameter};
  if (init.parameter.pseudo_random()) {
    auto challenge =
        scp03_pseudo_random_challenge(keys, init.sequence_counter, init.aid.view(), size);
    if (!challenge) {
      return broken();
    }
    answer.card_challenge = std::move(*challenge);
    answer.sequence_counter = init.sequence_counter;
  } else {
    answer.card_challenge.resize(size);
    if (!rng.fill(answer.card_challenge)) {
      return broken();
    }
  }
  auto session = Scp03SessionKeys::derive(keys, host_challenge, answer.card_challenge);
  if (!session) {
    return broken();
  }
  auto cryptogram = scp03_cryptogram(*session, kDeriveCardCryptogram, host_challenge,
                                     answer.card_challenge, size);
  if (!cryptogram) {
    return broken();
  }
  answer.card_cryptogram = std::move(*cryptogram);
  keys_ = std::move(keys);
  session_ = std::move(*session);
  parameter_ = init.parameter;
  key_version_number_ = init.key_version_number;
  host_challenge_.assign(host_challenge.begin(), host_challenge.end());
  card_challenge_ = answer.card_challenge;
  state_ = State::kChallenged;
  return answer.encode();
}

apdu::ResponseApdu Scp03Card::establish(const apdu::CommandApdu& command) {
  if (command.ins != apdu::ins::kExternalAuthenticate) {
    close();
    return {.data = {}, .sw = sw::kConditionsNotSatisfied};
  }
  return {.data = {}, .sw = external_authenticate(command)};
}

StatusWord Scp03Card::external_authenticate(const apdu::CommandApdu& command) {
  if (state_ != State::kChallenged || !session_) {
    close();
    return sw::kConditionsNotSatisfied;
  }
  const StatusWord status = authenticate(*session_, command);
  if (!sw::is_ok(status)) {
    close();
  }
  return status;
}

StatusWord Scp03Card::authenticate(const Scp03SessionKeys& session,
                                   const apdu::CommandApdu& command) {
  const auto cla = apdu::ClassOctet::decode(command.cla);
  if (!cla || !cla->proprietary) {
    return sw::kClassNotSupported;
  }
  if (!cla->secure_messaging) {
    return sw::kSecurityStatusNotSatisfied;
  }
  const SecurityLevel level{command.p1};
  if (command.p2 != 0 || !allows(parameter_, level)) {
    return sw::kIncorrectP1P2;
  }
  const std::size_t size = parameter_.mac_size();
  if (command.data.size() != 2 * size) {
    return sw::kWrongLength;
  }
  const ByteView cryptogram = ByteView(command.data).first(size);
  const auto expected =
      scp03_cryptogram(session, kDeriveHostCryptogram, host_challenge_, card_challenge_, size);
  const auto mac = command_mac(session, {}, command, cryptogram, size);
  if (!expected || !mac) {
    return sw::kNoDiagnosis;
  }
  const bool right_cryptogram = ct_equal(*expected, cryptogram);
  const bool right_mac = ct_equal(ByteView(*mac).first(size), ByteView(command.data).last(size));
  if (!right_cryptogram) {
    return sw::kAuthenticationFailed;
  }
  if (!right_mac) {
    return sw::kSecurityStatusNotSatisfied;
  }
  chaining_value_ = *mac;
  counter_ = 0;
  level_ = level;
  state_ = State::kOpen;
  return sw::kOk;
}

std::expected<Scp03Card::Unwrapped, StatusWord> Scp03Card::unwrap(
    const apdu::CommandApdu& command) {
  if (state_ != State::kOpen || !session_) {
    return std::unexpected(sw::kConditionsNotSatisfied);
  }
  auto cla = apdu::ClassOctet::decode(command.cla);
  if (!cla) {
    return std::unexpected(sw::kClassNotSupported);
  }
  if (!level_.c_mac()) {
    if (cla->secure_messaging) {
      return std::unexpected(sw::kSecureMessagingNotSupported);
    }
    return Unwrapped{command.cla, SecretBytes::copy_of(command.data)};
  }
  auto data = cla->secure_messaging ? open_command(*session_, command)
                                    : std::unexpected(sw::kSecurityStatusNotSatisfied);
  if (!data) {
    close();
    return std::unexpected(data.error());
  }
  cla->secure_messaging = false;
  return Unwrapped{cla->encode(), std::move(*data)};
}

std::expected<SecretBytes, StatusWord> Scp03Card::open_command(const Scp03SessionKeys& session,
                                                               const apdu::CommandApdu& command) {
  const std::size_t mac_size = parameter_.mac_size();
  if (command.data.size() < mac_size) {
    return std::unexpected(sw::kSecurityStatusNotSatisfied);
  }
  if (counter_ == kMaxCounter) {
    return std::unexpected(sw::kConditionsNotSatisfied);
  }
  const ByteView body = ByteView(command.data).first(command.data.size() - mac_size);
  const auto mac = command_mac(session, chaining_value_, command, body, mac_size);
  if (!mac) {
    return broken();
  }
  if (!ct_equal(ByteView(*mac).first(mac_size), ByteView(command.data).last(mac_size))) {
    return std::unexpected(sw::kSecurityStatusNotSatisfied);
  }
  chaining_value_ = *mac;
  ++counter_;
  if (!level_.c_decryption() || body.empty()) {
    return SecretBytes::copy_of(body);
  }
  auto plain = decrypt_data(session, counter_, Direction::kCommand, body);
  if (!plain) {
    return std::unexpected(sw::kSecurityStatusNotSatisfied);
  }
  return std::move(*plain);
}

Bytes Scp03Card::wrap(ByteView data, StatusWord status) {
  if (state_ != State::kOpen || !session_ || !level_.r_mac()) {
    return Bytes(data.begin(), data.end());
  }
  if (!carries_rmac(status)) {
    return {};
  }
  Bytes out;
  if (level_.r_encryption() && !data.empty()) {
    auto cipher = encrypt_data(*session_, counter_, Direction::kResponse, data);
    if (!cipher) {
      close();  // an answer without R-MAC: the host refuses it
      return {};
    }
    out = std::move(*cipher);
  } else {
    out.assign(data.begin(), data.end());
  }
  const auto mac = response_mac(*session_, chaining_value_, out, status);
  if (!mac) {
    close();
    return {};
  }
  append(out, ByteView(*mac).first(parameter_.mac_size()));
  return out;
}

std::expected<SecretBytes, StatusWord> Scp03Card::decrypt_sensitive(ByteView value) const {
  if (state_ != State::kOpen || !keys_) {
    return std::unexpected(sw::kSecurityStatusNotSatisfied);
  }
  if (value.empty() || value.size() % crypto::kAesBlockSize != 0) {
    return std::unexpected(sw::kWrongData);
  }
  auto plain = crypto::aes_cbc_decrypt(keys_->dek.expose(), {}, value);
  if (!plain) {
    return broken();
  }
  return std::move(*plain);
}

bool Scp03Card::open() const { return state_ == State::kOpen; }
SecurityLevel Scp03Card::level() const { return level_; }
OffCardEntity Scp03Card::off_card_entity() const {
  return {.authentication = open() ? Authentication::kAuthenticated : Authentication::kNone};
}
std::uint8_t Scp03Card::key_version_number() const { return key_version_number_; }

void Scp03Card::close() {
  state_ = State::kClosed;
  keys_.reset();
  session_.reset();
  host_challenge_.clear();
  card_challenge_.clear();
  chaining_value_ = {};
  counter_ = 0;
  level_ = {};
  key_version_number_ = 0;
}

}  // namespace kagibin::scp
