// SPDX-License-Identifier: Apache-2.0
// Secure messaging in an open session, card's and host's ends (Amendment D v1.2, 6.2.4 to 6.2.8):
// what SCP03 and SCP11 have in common once their session keys are agreed on.
//
// Each end holds the chaining value and the encryption counter. S8 has MACs of 8 octets, S16 of 16.
// Ownership: holds secrets, move-only. Thread-safety: one thread.
//
//   AesCardMessaging messaging({.keys = std::move(keys), .dek = std::move(dek), .level = level});
//   const auto plain = messaging.unwrap(command);
#pragma once

#include <expected>
#include <optional>

#include "kagibin/apdu/apdu.h"
#include "kagibin/scp/card_session.h"
#include "kagibin/scp/host_session.h"
#include "kagibin/scp/scp03/scp03.h"

namespace kagibin::scp {

// What both ends know when the session opens.
struct AesSession {
  Scp03SessionKeys keys;
  SecretBytes dek;  // for sensitive data (6.2.8)
  crypto::AesBlock
      chaining_value{};  // SCP03: the C-MAC of EXTERNAL AUTHENTICATE; SCP11: the receipt
  SecurityLevel level{};
  std::size_t mac_size = 8;     // 16 in S16
  SecurityLevel offered{0x33};  // by the protocol's i
};

class AesCardMessaging {
 public:
  explicit AesCardMessaging(AesSession session) : session_(std::move(session)) {}

  // The command out of its secure messaging. Without the secure-messaging bit it is refused when
  // the level has C-MAC. ends_session() says whether the refusal does.
  std::expected<CardSession::Unwrapped, StatusWord> unwrap(const apdu::CommandApdu& command);
  // The data field of the answer to the command unwrapped last. With R-MAC, error status words
  // carry neither data nor MAC.
  Bytes wrap(ByteView data, StatusWord sw);
  // As CardSession says. 6D00 when i offers no R-MAC; 6A86 and 6A80 for parameters and data; 6985
  // as 7.1.3.7 says, for a second BEGIN and for an END without one.
  StatusWord r_mac_session(const apdu::CommandApdu& command);
  // CBC with a zero IV under the key for sensitive data (6.2.8).
  std::expected<SecretBytes, StatusWord> decrypt_sensitive(ByteView value) const;

  SecurityLevel level() const { return session_.level; }
  // Something failed after which the session is over.
  bool ends_session() const { return failed_; }

 private:
  std::expected<SecretBytes, StatusWord> open_command(const apdu::CommandApdu& command);
  std::unexpected<StatusWord> end(StatusWord sw);
  Bytes protect(ByteView data, StatusWord sw);
  StatusWord begin_r_mac(const apdu::CommandApdu& command);
  StatusWord end_r_mac(const apdu::CommandApdu& command);

  AesSession session_;
  std::uint32_t counter_ = 0;
  bool failed_ = false;
  std::optional<SecurityLevel> before_r_mac_;  // in an R-MAC session: the level to go back to
  std::optional<SecurityLevel> next_;          // the level from the next command on
};

class AesHostMessaging {
 public:
  explicit AesHostMessaging(AesSession session) : session_(std::move(session)) {}

  // As HostSession says.
  Result<apdu::CommandApdu> wrap(const PlainCommand& command, bool extended);
  Result<HostSession::Unwrapped> unwrap(const apdu::ResponseApdu& answer);
  Result<Bytes> encrypt_sensitive(ByteView value) const;
  // BEGIN R-MAC SESSION (7.1.3): more protection of answers, 10 or 30, with up to 24 octets that
  // their R-MAC covers. The level changes when unwrap() takes the answer 9000.
  Result<apdu::CommandApdu> begin_r_mac(SecurityLevel responses, ByteView data);
  // END R-MAC SESSION (7.1.4).
  Result<apdu::CommandApdu> end_r_mac();

  SecurityLevel level() const { return session_.level; }

 private:
  Result<HostSession::Unwrapped> verify(const apdu::ResponseApdu& answer) const;

  AesSession session_;
  std::uint32_t counter_ = 0;
  std::optional<SecurityLevel> before_r_mac_;
  std::optional<SecurityLevel> next_;  // when the answer awaited is 9000
};

}  // namespace kagibin::scp
