// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/aes_messaging.h"

#include <utility>

#include "kagibin/apdu/status_words.h"
#include "kagibin/scp/scp03/scp03_messages.h"

namespace kagibin::scp {

namespace sw = apdu::sw;

namespace {

constexpr std::size_t kShortLimit = 255;
constexpr std::size_t kExtendedLimit = 65'535;
constexpr std::uint32_t kAnyShortLe = 256;
// P1 of BEGIN R-MAC SESSION (Amendment D, table 7-5).
constexpr std::uint8_t kRMac = 0x10;
constexpr std::uint8_t kRMacAndEncryption = 0x30;
constexpr std::size_t kMostRMacData = 24;  // GPCS E.5.3.5

// One reason for a wrong C-MAC and for wrong padding (6.2.5 and 6.2.6).
constexpr StatusWord kWrongMessaging = sw::kSecurityStatusNotSatisfied.because(
    "the command's C-MAC or its padding is wrong: the session is over (Amendment D, 6.2.5)");

std::size_t padded_size(std::size_t size) {
  return (size / crypto::kAesBlockSize + 1) * crypto::kAesBlockSize;
}

}  // namespace

std::unexpected<StatusWord> AesCardMessaging::end(StatusWord status) {
  failed_ = true;
  return std::unexpected(status);
}

std::expected<CardSession::Unwrapped, StatusWord> AesCardMessaging::unwrap(
    const apdu::CommandApdu& command) {
  auto cla = apdu::ClassOctet::decode(command.cla);
  if (!cla) {
    return std::unexpected(
        sw::kClassNotSupported.because("this class octet is reserved (GPCS 11.1.4)"));
  }
  if (!session_.level.c_mac()) {
    if (cla->secure_messaging) {
      return std::unexpected(sw::kSecureMessagingNotSupported.because(
          "this session has no C-MAC: send the command without secure messaging"));
    }
    return CardSession::Unwrapped{command.cla, SecretBytes::copy_of(command.data)};
  }
  if (!cla->secure_messaging) {
    return end(sw::kSecurityStatusNotSatisfied.because(
        "in this session every command has a C-MAC: the session is over (Amendment D, 6.2.5)"));
  }
  auto data = open_command(command);
  if (!data) {
    return std::unexpected(data.error());
  }
  cla->secure_messaging = false;
  return CardSession::Unwrapped{cla->encode(), std::move(*data)};
}

std::expected<SecretBytes, StatusWord> AesCardMessaging::open_command(
    const apdu::CommandApdu& command) {
  const std::size_t mac_size = session_.mac_size;
  if (command.data.size() < mac_size) {
    return end(kWrongMessaging);
  }
  if (counter_ == kMaxCounter) {
    return end(sw::kConditionsNotSatisfied.because(
        "the session's encryption counter is used up: open a new session"));
  }
  const ByteView body = ByteView(command.data).first(command.data.size() - mac_size);
  const auto mac = command_mac(session_.keys, session_.chaining_value, command, body, mac_size);
  if (!mac) {
    return end(sw::kNoDiagnosis.because("the cryptographic library failed"));
  }
  if (!ct_equal(ByteView(*mac).first(mac_size), ByteView(command.data).last(mac_size))) {
    return end(kWrongMessaging);
  }
  session_.chaining_value = *mac;
  ++counter_;
  if (!session_.level.c_decryption() || body.empty()) {
    return SecretBytes::copy_of(body);
  }
  auto plain = decrypt_data(session_.keys, counter_, Direction::kCommand, body);
  if (!plain) {
    return end(kWrongMessaging);
  }
  return std::move(*plain);
}

Bytes AesCardMessaging::wrap(ByteView data, StatusWord status) {
  Bytes out = protect(data, status);
  session_.level = std::exchange(next_, std::nullopt).value_or(session_.level);
  return out;
}

Bytes AesCardMessaging::protect(ByteView data, StatusWord status) {
  if (!session_.level.r_mac()) {
    return {data.begin(), data.end()};
  }
  if (!carries_rmac(status)) {
    return {};
  }
  Bytes out;
  if (session_.level.r_encryption() && !data.empty()) {
    auto cipher = encrypt_data(session_.keys, counter_, Direction::kResponse, data);
    if (!cipher) {
      failed_ = true;  // an answer without R-MAC: the host refuses it
      return {};
    }
    out = std::move(*cipher);
  } else {
    out.assign(data.begin(), data.end());
  }
  const auto mac = response_mac(session_.keys, session_.chaining_value, out, status);
  if (!mac) {
    failed_ = true;
    return {};
  }
  append(out, ByteView(*mac).first(session_.mac_size));
  return out;
}

StatusWord AesCardMessaging::r_mac_session(const apdu::CommandApdu& command) {
  if (!session_.offered.r_mac()) {
    return sw::kInstructionNotSupported.because(
        "the parameter i of this session offers no R-MAC (Amendment D, 5.1)");
  }
  return command.ins == apdu::ins::kBeginRMacSession ? begin_r_mac(command) : end_r_mac(command);
}

StatusWord AesCardMessaging::begin_r_mac(const apdu::CommandApdu& command) {
  const SecurityLevel asked{command.p1};
  const bool known = asked.value == kRMac || asked.value == kRMacAndEncryption;
  if (!known || (asked.r_encryption() && !session_.offered.r_encryption()) || command.p2 != 0x01) {
    return sw::kIncorrectP1P2.because(
        "P1 of BEGIN R-MAC SESSION is 10, or 30 where i offers R-ENCRYPTION; P2 is 01 (Amendment "
        "D, 7.1.3)");
  }
  const Bytes& data = command.data;
  if (data.empty() || data.size() - 1 != data[0] || data[0] > kMostRMacData) {
    return sw::kWrongData.because(
        "the data of BEGIN R-MAC SESSION is one length octet and 0 to 24 octets (GPCS E.5.3.5)");
  }
  const SecurityLevel level = session_.level;
  const bool no_more =
      before_r_mac_ || level.r_encryption() || (level.r_mac() && !asked.r_encryption());
  const bool too_much = !level.c_mac() || (asked.r_encryption() && !level.c_decryption());
  if (no_more || too_much) {
    return sw::kConditionsNotSatisfied.because(
        "an R-MAC session protects answers better than the session does, and no better than its "
        "commands; it does not begin twice (Amendment D, 7.1.3.7)");
  }
  before_r_mac_ = level;
  next_ = SecurityLevel{static_cast<std::uint8_t>(level.value | asked.value)};
  return sw::kOk;
}

StatusWord AesCardMessaging::end_r_mac(const apdu::CommandApdu& command) {
  if (command.p1 != 0x00 || command.p2 != 0x03) {
    return sw::kIncorrectP1P2.because(
        "P1 of END R-MAC SESSION is 00 and P2 is 03 (Amendment D, 7.1.4)");
  }
  if (!command.data.empty()) {
    return sw::kWrongData.because("END R-MAC SESSION has no data (Amendment D, 7.1.4.5)");
  }
  if (!before_r_mac_) {
    return sw::kConditionsNotSatisfied.because(
        "no R-MAC session has begun: BEGIN R-MAC SESSION does it (Amendment D, 7.1.4)");
  }
  next_ = std::exchange(before_r_mac_, std::nullopt);
  return sw::kOk;
}

std::expected<SecretBytes, StatusWord> AesCardMessaging::decrypt_sensitive(ByteView value) const {
  if (value.empty() || value.size() % crypto::kAesBlockSize != 0) {
    return std::unexpected(sw::kWrongData.because(
        "a value under the data encryption key is whole blocks of 16 octets (Amendment D, 6.2.8)"));
  }
  auto plain = crypto::aes_cbc_decrypt(session_.dek.expose(), {}, value);
  if (!plain) {
    return std::unexpected(sw::kNoDiagnosis.because("the cryptographic library failed"));
  }
  return std::move(*plain);
}

Result<apdu::CommandApdu> AesHostMessaging::wrap(const PlainCommand& command, bool extended) {
  apdu::ClassOctet cla = KB_TRY(apdu::ClassOctet::decode(command.cla));
  if (cla.channel != 0 || cla.secure_messaging) {
    return fail(Errc::kInvalidArgument,
                "a plain command is on channel 0, without the secure-messaging bit");
  }
  const SecurityLevel level = session_.level;
  const std::size_t mac_size = level.c_mac() ? session_.mac_size : 0;
  const bool encrypt = level.c_decryption() && !command.data.empty();
  const std::size_t body = encrypt ? padded_size(command.data.size()) : command.data.size();
  if (body + mac_size > (extended ? kExtendedLimit : kShortLimit)) {
    return fail(Errc::kLimit, "the wrapped data is longer than one command takes");
  }
  if (counter_ == kMaxCounter) {
    return fail(Errc::kLimit, "the session's encryption counter is used up: open a new session");
  }
  cla.secure_messaging = level.c_mac();
  apdu::CommandApdu out{.cla = cla.encode(),
                        .ins = command.ins,
                        .p1 = command.p1,
                        .p2 = command.p2,
                        .le = command.le,
                        .extended = extended};
  out.data.reserve(body + mac_size);
  if (encrypt) {
    const Bytes cipher =
        KB_TRY(encrypt_data(session_.keys, counter_ + 1, Direction::kCommand, command.data));
    append(out.data, cipher);
  } else {
    append(out.data, command.data);
  }
  if (level.c_mac()) {
    session_.chaining_value =
        KB_TRY(command_mac(session_.keys, session_.chaining_value, out, out.data, mac_size));
    append(out.data, ByteView(session_.chaining_value).first(mac_size));
  }
  ++counter_;
  return out;
}

Result<apdu::CommandApdu> AesHostMessaging::begin_r_mac(SecurityLevel responses, ByteView data) {
  if ((responses.value != kRMac && responses.value != kRMacAndEncryption) ||
      data.size() > kMostRMacData) {
    return fail(Errc::kInvalidArgument,
                "an R-MAC session adds 10 or 30 to the level, with at most 24 octets of data");
  }
  Bytes body{static_cast<std::uint8_t>(data.size())};
  append(body, data);
  apdu::CommandApdu out = KB_TRY(
      wrap({.ins = apdu::ins::kBeginRMacSession, .p1 = responses.value, .p2 = 0x01, .data = body},
           false));
  next_ = SecurityLevel{static_cast<std::uint8_t>(session_.level.value | responses.value)};
  return out;
}

Result<apdu::CommandApdu> AesHostMessaging::end_r_mac() {
  if (!before_r_mac_) {
    return fail(Errc::kState, "no R-MAC session has begun");
  }
  apdu::CommandApdu out = KB_TRY(
      wrap({.ins = apdu::ins::kEndRMacSession, .p1 = 0x00, .p2 = 0x03, .le = kAnyShortLe}, false));
  next_ = *before_r_mac_;
  return out;
}

Result<HostSession::Unwrapped> AesHostMessaging::unwrap(const apdu::ResponseApdu& answer) {
  HostSession::Unwrapped out = KB_TRY(verify(answer));
  const std::optional<SecurityLevel> next = std::exchange(next_, std::nullopt);
  if (next && sw::is_ok(answer.sw)) {
    before_r_mac_ = before_r_mac_ ? std::nullopt : std::optional(session_.level);
    session_.level = *next;
  }
  return out;
}

Result<HostSession::Unwrapped> AesHostMessaging::verify(const apdu::ResponseApdu& answer) const {
  if (!session_.level.r_mac() || !carries_rmac(answer.sw)) {
    return HostSession::Unwrapped{answer, false};
  }
  const std::size_t mac_size = session_.mac_size;
  if (answer.data.size() < mac_size) {
    return fail(Errc::kAuthentication, "secure messaging is wrong");
  }
  const ByteView body = ByteView(answer.data).first(answer.data.size() - mac_size);
  const crypto::AesBlock mac =
      KB_TRY(response_mac(session_.keys, session_.chaining_value, body, answer.sw));
  if (!ct_equal(ByteView(mac).first(mac_size), ByteView(answer.data).last(mac_size))) {
    return fail(Errc::kAuthentication, "secure messaging is wrong");
  }
  HostSession::Unwrapped out{.response = {.data = {}, .sw = answer.sw}, .authenticated = true};
  if (session_.level.r_encryption() && !body.empty()) {
    const SecretBytes plain =
        KB_TRY(decrypt_data(session_.keys, counter_, Direction::kResponse, body));
    append(out.response.data, plain.expose());
  } else {
    append(out.response.data, body);
  }
  return out;
}

Result<Bytes> AesHostMessaging::encrypt_sensitive(ByteView value) const {
  if (value.empty()) {
    return fail(Errc::kInvalidArgument, "there is no value to encrypt");
  }
  return crypto::aes_cbc_encrypt(session_.dek.expose(), {}, value);
}

}  // namespace kagibin::scp
