// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp02/scp02_card.h"

#include <algorithm>

#include "kagibin/crypto/cipher/padding.h"
#include "kagibin/scp/scp02/scp02_messages.h"

namespace kagibin::scp {

namespace {

namespace sw = apdu::sw;

constexpr std::size_t kAuthenticateSize = 16;  // host cryptogram and C-MAC

// One reason for everything that is wrong with secure messaging.
constexpr StatusWord kWrongMessaging = sw::kSecurityStatusNotSatisfied.because(
    "secure messaging is wrong or missing and the session has ended: open a new one (GPCS E.1.6)");

// Which status word a failed calculation gives (the library failed; the input was checked before).
std::unexpected<StatusWord> broken() {
  return std::unexpected(sw::kNoDiagnosis.because("the cryptographic library failed"));
}

}  // namespace

std::expected<Bytes, StatusWord> Scp02Card::initialize_update(ByteView host_challenge,
                                                              const Scp02KeySet& keys,
                                                              const Scp02CardInit& init,
                                                              crypto::Rng& rng) {
  close();
  if (host_challenge.size() != kScp02ChallengeSize) {
    return std::unexpected(
        sw::kWrongLength.because("the host challenge of SCP02 has 8 octets (GPCS E.5.1.5)"));
  }
  if (init.sequence_counter == kScp02LastCounter) {
    return std::unexpected(sw::kConditionsNotSatisfied.because(
        "the sequence counter of this key set has come to its end: put new keys (GPCS E.1.2)"));
  }
  auto session = Scp02SessionKeys::derive(keys, init.sequence_counter);
  if (!session) {
    return broken();
  }
  Scp02InitializeUpdateAnswer answer{.diversification_data = init.diversification_data,
                                     .key_version_number = init.key_version_number,
                                     .sequence_counter = init.sequence_counter};
  if (init.parameter.pseudo_random()) {
    const auto challenge = scp02_pseudo_random_challenge(*session, init.aid);
    if (!challenge) {
      return broken();
    }
    answer.card_challenge = *challenge;
  } else if (!rng.fill(answer.card_challenge)) {
    return broken();
  }
  const auto cryptogram = scp02_card_cryptogram(*session, host_challenge, answer);
  if (!cryptogram) {
    return broken();
  }
  answer.card_cryptogram = *cryptogram;
  session_ = std::move(*session);
  host_challenge_.assign(host_challenge.begin(), host_challenge.end());
  answer_ = answer;
  state_ = State::kChallenged;
  return answer.encode();
}

apdu::ResponseApdu Scp02Card::establish(const apdu::CommandApdu& command) {
  if (command.ins != apdu::ins::kExternalAuthenticate) {
    close();
    return {.data = {},
            .sw = sw::kConditionsNotSatisfied.because(
                "EXTERNAL AUTHENTICATE follows INITIALIZE UPDATE (GPCS E.5.2.1)")};
  }
  return {.data = {}, .sw = external_authenticate(command)};
}

StatusWord Scp02Card::external_authenticate(const apdu::CommandApdu& command) {
  if (state_ != State::kChallenged || !session_) {
    close();
    return sw::kConditionsNotSatisfied.because(
        "EXTERNAL AUTHENTICATE follows INITIALIZE UPDATE (GPCS E.5.2.1)");
  }
  const StatusWord status = authenticate(*session_, command);
  if (!sw::is_ok(status)) {
    const bool counted = counted_;
    close();
    counted_ = counted;
  }
  return status;
}

StatusWord Scp02Card::authenticate(const Scp02SessionKeys& session,
                                   const apdu::CommandApdu& command) {
  const auto cla = apdu::ClassOctet::decode(command.cla);
  if (!cla || !cla->proprietary) {
    return sw::kClassNotSupported.because(
        "EXTERNAL AUTHENTICATE is of GlobalPlatform's class: 84 (GPCS E.5.2.2)");
  }
  if (!cla->secure_messaging) {
    return sw::kSecurityStatusNotSatisfied.because(
        "EXTERNAL AUTHENTICATE carries a C-MAC: class 84 (GPCS E.5.2.2)");
  }
  const SecurityLevel level{command.p1};
  if (command.p2 != 0 || !is_scp02_level(level)) {
    return sw::kIncorrectP1P2.because(
        "the security level is 00, 01 or 03 with i = 15 and 55, P2 is 00 (GPCS E.5.2.3)");
  }
  if (command.data.size() != kAuthenticateSize) {
    return sw::kWrongLength.because(
        "EXTERNAL AUTHENTICATE has 8 octets of host cryptogram and 8 of C-MAC (GPCS E.5.2.5)");
  }
  const ByteView cryptogram = ByteView(command.data).first(kScp02MacSize);
  const auto expected = scp02_host_cryptogram(session, host_challenge_, answer_);
  const auto mac = scp02_command_mac(session, {}, command,
                                     is_sent_extended(command, command.data.size()), cryptogram);
  if (!expected || !mac) {
    return broken().error();
  }
  const bool right_cryptogram = ct_equal(*expected, cryptogram);
  const bool right_mac = ct_equal(*mac, ByteView(command.data).last(kScp02MacSize));
  counted_ = right_mac;
  if (!right_cryptogram) {
    return sw::kAuthenticationFailed.because(
        "the host cryptogram is wrong: the host has other keys for this key version (GPCS "
        "E.5.2.7)");
  }
  if (!right_mac) {
    return kWrongMessaging;
  }
  c_mac_ = *mac;
  level_ = level;
  state_ = State::kOpen;
  return sw::kOk;
}

std::expected<CardSession::Unwrapped, StatusWord> Scp02Card::unwrap(
    const apdu::CommandApdu& command) {
  if (state_ != State::kOpen || !session_) {
    return std::unexpected(
        sw::kConditionsNotSatisfied.because("no secure channel session is open (GPCS 10.2)"));
  }
  auto cla = apdu::ClassOctet::decode(command.cla);
  if (!cla) {
    return std::unexpected(
        sw::kClassNotSupported.because("this class octet is reserved (GPCS 11.1.4)"));
  }
  if (!level_.c_mac()) {
    if (cla->secure_messaging) {
      return std::unexpected(sw::kSecureMessagingNotSupported.because(
          "the session was opened at level 00, without secure messaging (GPCS E.5.2.3)"));
    }
    return Unwrapped{command.cla, SecretBytes::copy_of(command.data)};
  }
  auto data =
      cla->secure_messaging ? open_command(*session_, command) : std::unexpected(kWrongMessaging);
  if (!data) {
    close();
    return std::unexpected(data.error());
  }
  cla->secure_messaging = false;
  return Unwrapped{cla->encode(), std::move(*data)};
}

std::expected<SecretBytes, StatusWord> Scp02Card::open_command(const Scp02SessionKeys& session,
                                                               const apdu::CommandApdu& command) {
  if (command.data.size() < kScp02MacSize) {
    return std::unexpected(kWrongMessaging);
  }
  const ByteView body = ByteView(command.data).first(command.data.size() - kScp02MacSize);
  SecretBytes plain = SecretBytes::copy_of(body);
  bool padded = true;
  // A host may send a padded block for no data, or none: both are understood.
  if (level_.c_decryption() && !body.empty()) {
    auto blocks = scp02_decrypt_data(session, body);
    if (!blocks) {
      return std::unexpected(kWrongMessaging);  // no whole blocks: its length was seen anyway
    }
    const auto size = crypto::unpad80(blocks->expose(), crypto::kDesBlockSize);
    padded = size.has_value();
    plain = std::move(*blocks);
    plain.shrink(size.value_or(plain.size() - 1));
  }
  const auto icv = scp02_next_icv(session, c_mac_);
  if (!icv) {
    return broken();
  }
  const auto mac = scp02_command_mac(
      session, *icv, command, is_sent_extended(command, command.data.size()), plain.expose());
  if (!mac) {
    return broken();
  }
  const bool right_mac = ct_equal(*mac, ByteView(command.data).last(kScp02MacSize));
  if (!padded || !right_mac) {
    return std::unexpected(kWrongMessaging);
  }
  c_mac_ = *mac;
  return plain;
}

Bytes Scp02Card::wrap(ByteView data, StatusWord status) {
  static_cast<void>(status);
  return Bytes(data.begin(), data.end());
}

std::expected<SecretBytes, StatusWord> Scp02Card::decrypt_sensitive(ByteView value) const {
  if (state_ != State::kOpen || !session_) {
    return std::unexpected(sw::kSecurityStatusNotSatisfied.because(
        "sensitive data is taken in a secure channel session alone: open one (GPCS 10.2)"));
  }
  if (value.empty() || value.size() % crypto::kDesBlockSize != 0) {
    return std::unexpected(
        sw::kWrongData.because("a value under the DEK is whole blocks of 8 octets (GPCS E.4.7)"));
  }
  auto plain = crypto::des3_ecb_decrypt(session_->s_dek.expose(), value);
  if (!plain) {
    return broken();
  }
  return std::move(*plain);
}

OffCardEntity Scp02Card::off_card_entity() const {
  return {.authentication = open() ? Authentication::kAuthenticated : Authentication::kNone};
}

void Scp02Card::close() {
  state_ = State::kClosed;
  session_.reset();
  host_challenge_.clear();
  answer_ = {};
  level_ = {};
  c_mac_ = {};
  counted_ = false;
}

}  // namespace kagibin::scp
