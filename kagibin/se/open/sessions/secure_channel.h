// SPDX-License-Identifier: Apache-2.0
// The secure channel service of a security domain on a logical channel, for the domain itself and
// for the applications associated with it: which protocol a command belongs to, and secure
// messaging in the session that it opened.
//
// A domain without keys of its own for a protocol that it speaks uses its associated domain's (GPCS
// 7.3); once it has some, only its own. A protocol is opened by its own first command and lives in
// LogicalChannel::session as a scp::CardSession; nothing else here or in the domains knows which
// protocol it is. Those that begin with INITIALIZE UPDATE stand in symmetric_sessions.h, those with
// certificates in scp11/certificate_sessions.h.
//
// Wrong secure messaging aborts the session: the domain refuses every command (6982) until the host
// opens another, selects, or resets (Amendment D, 5.6; GPCS E.1.6).
#pragma once

#include "kagibin/se/open/sessions/symmetric_sessions.h"
#include "kagibin/se/scp11/certificate_sessions.h"

namespace kagibin::se {

class SecureChannel {
 public:
  static constexpr unsigned kFreeFailures = SymmetricSessions::kFreeFailures;
  static constexpr std::int64_t kPauseMs = SymmetricSessions::kPauseMs;

  SecureChannel(Platform& platform, const LogicalChannels& channels)
      : platform_(platform), symmetric_(platform), certificates_(platform, channels) {}

  static bool is_security_command(const apdu::CommandApdu& command);
  // Those of them that a session begins with.
  static bool is_opening_command(const apdu::CommandApdu& command);
  // `selected` is the AID that the host selected; `domain` the security domain that serves it.
  apdu::ResponseApdu process(LogicalChannel& channel,
                             const Aid& selected,
                             const RegistryEntry& domain,
                             const apdu::CommandApdu& command);
  // The plain command in an open session. A failure ends what lived in the session.
  static std::expected<scp::CardSession::Unwrapped, StatusWord> unwrap(
      LogicalChannel& channel, const apdu::CommandApdu& command);
  static apdu::ResponseApdu wrap(LogicalChannel& channel, ByteView data, StatusWord sw);
  static std::expected<SecretBytes, StatusWord> decrypt_sensitive(const LogicalChannel& channel,
                                                                  ByteView value);

  // The domain whose keys serve `domain`: itself, or the next one up that has keys for a protocol
  // that it speaks (scp11/key_store_domain.h), or the root of its hierarchy.
  RegistryEntry key_domain(const RegistryEntry& domain) const;
  // Whether it is locked, or one on the way up to that whose keys it uses.
  bool is_locked(const RegistryEntry& domain) const;
  void reset() { symmetric_.reset(); }

 private:
  static apdu::ResponseApdu r_mac_session(LogicalChannel& channel,
                                          const apdu::CommandApdu& command);

  Platform& platform_;
  SymmetricSessions symmetric_;
  CertificateSessions certificates_;
};

}  // namespace kagibin::se
