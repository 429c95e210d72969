// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp03/scp03_card.h"

#include <utility>

#include "kagibin/scp/scp03/scp03_messages.h"

namespace kagibin::scp {

namespace {

namespace sw = apdu::sw;

// Which status word a failed calculation gives (the library failed; the input was checked before).
std::unexpected<StatusWord> broken() {
  return std::unexpected(sw::kNoDiagnosis.because("the cryptographic library failed"));
}

}  // namespace

std::expected<Bytes, StatusWord> Scp03Card::initialize_update(ByteView host_challenge,
                                                              Scp03KeySet keys,
                                                              const Scp03CardInit& init,
                                                              crypto::Rng& rng) {
  close();
  const std::size_t size = init.parameter.mac_size();
  if (host_challenge.size() != size) {
    return std::unexpected(sw::kWrongLength.because(
        "the host challenge has 8 octets, 16 in S16 (Amendment D, 5.1 and 7.1.1)"));
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
  challenge_ = Challenge{.keys = std::move(keys),
                         .session = std::move(*session),
                         .parameter = init.parameter,
                         .host_challenge = Bytes(host_challenge.begin(), host_challenge.end()),
                         .card_challenge = answer.card_challenge};
  key_version_number_ = init.key_version_number;
  return answer.encode();
}

apdu::ResponseApdu Scp03Card::establish(const apdu::CommandApdu& command) {
  if (command.ins != apdu::ins::kExternalAuthenticate) {
    close();
    return {.data = {},
            .sw = sw::kConditionsNotSatisfied.because(
                "EXTERNAL AUTHENTICATE follows INITIALIZE UPDATE (Amendment D, 7.1.2)")};
  }
  return {.data = {}, .sw = external_authenticate(command)};
}

StatusWord Scp03Card::external_authenticate(const apdu::CommandApdu& command) {
  std::optional<Challenge> challenge = std::exchange(challenge_, std::nullopt);
  if (!challenge) {
    close();
    return sw::kConditionsNotSatisfied.because(
        "EXTERNAL AUTHENTICATE follows INITIALIZE UPDATE (Amendment D, 7.1.2)");
  }
  const StatusWord status = authenticate(std::move(*challenge), command);
  if (!sw::is_ok(status)) {
    close();
  }
  return status;
}

StatusWord Scp03Card::authenticate(Challenge challenge, const apdu::CommandApdu& command) {
  const auto cla = apdu::ClassOctet::decode(command.cla);
  if (!cla || !cla->proprietary) {
    return sw::kClassNotSupported.because(
        "EXTERNAL AUTHENTICATE is of GlobalPlatform's class: 84 (Amendment D, 7.1.2)");
  }
  if (!cla->secure_messaging) {
    return sw::kSecurityStatusNotSatisfied.because(
        "EXTERNAL AUTHENTICATE carries a C-MAC: class 84 (Amendment D, 7.1.2)");
  }
  const SecurityLevel level{command.p1};
  if (command.p2 != 0 || !allows(challenge.parameter, level)) {
    return sw::kIncorrectP1P2.because(
        "the domain's i does not offer this security level, or P2 is not 00 (Amendment D, 5.1 and "
        "7.1.2.1)");
  }
  const std::size_t size = challenge.parameter.mac_size();
  if (command.data.size() != 2 * size) {
    return sw::kWrongLength.because(
        "EXTERNAL AUTHENTICATE has the host cryptogram and the C-MAC, 8 octets each, 16 in S16 "
        "(Amendment D, 7.1.2)");
  }
  const ByteView cryptogram = ByteView(command.data).first(size);
  const auto expected = scp03_cryptogram(challenge.session, kDeriveHostCryptogram,
                                         challenge.host_challenge, challenge.card_challenge, size);
  const auto mac = command_mac(challenge.session, {}, command, cryptogram, size);
  if (!expected || !mac) {
    return broken().error();
  }
  const bool right_cryptogram = ct_equal(*expected, cryptogram);
  const bool right_mac = ct_equal(ByteView(*mac).first(size), ByteView(command.data).last(size));
  if (!right_cryptogram) {
    return sw::kAuthenticationFailed.because(
        "the host cryptogram is wrong: the host has other keys for this key version (Amendment D, "
        "6.2.2.3)");
  }
  if (!right_mac) {
    return sw::kSecurityStatusNotSatisfied.because(
        "the C-MAC of EXTERNAL AUTHENTICATE is wrong (Amendment D, 6.2.4)");
  }
  messaging_.emplace(AesSession{.keys = std::move(challenge.session),
                                .dek = std::move(challenge.keys.dek),
                                .chaining_value = *mac,
                                .level = level,
                                .mac_size = size,
                                .offered = highest_level(challenge.parameter)});
  return sw::kOk;
}

std::expected<CardSession::Unwrapped, StatusWord> Scp03Card::unwrap(
    const apdu::CommandApdu& command) {
  if (!messaging_) {
    return std::unexpected(
        sw::kConditionsNotSatisfied.because("no secure channel session is open (GPCS 10.2)"));
  }
  auto out = messaging_->unwrap(command);
  if (messaging_->ends_session()) {
    close();
  }
  return out;
}

Bytes Scp03Card::wrap(ByteView data, StatusWord status) {
  if (!messaging_) {
    return Bytes(data.begin(), data.end());
  }
  Bytes out = messaging_->wrap(data, status);
  if (messaging_->ends_session()) {
    close();
  }
  return out;
}

std::expected<SecretBytes, StatusWord> Scp03Card::decrypt_sensitive(ByteView value) const {
  if (!messaging_) {
    return std::unexpected(sw::kSecurityStatusNotSatisfied.because(
        "sensitive data is taken in a secure channel session alone: open one (GPCS 10.2)"));
  }
  return messaging_->decrypt_sensitive(value);
}

StatusWord Scp03Card::r_mac_session(const apdu::CommandApdu& command) {
  return messaging_ ? messaging_->r_mac_session(command) : CardSession::r_mac_session(command);
}

SecurityLevel Scp03Card::level() const {
  return messaging_ ? messaging_->level() : SecurityLevel{};
}

OffCardEntity Scp03Card::off_card_entity() const {
  return {.authentication = open() ? Authentication::kAuthenticated : Authentication::kNone};
}

void Scp03Card::close() {
  challenge_.reset();
  messaging_.reset();
  key_version_number_ = 0;
}

}  // namespace kagibin::scp
