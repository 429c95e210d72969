// SPDX-License-Identifier: Apache-2.0
// The card's end of SCP03 (Amendment D v1.2): answers INITIALIZE UPDATE and EXTERNAL AUTHENTICATE,
// unwraps commands, wraps answers. It holds no keys of its own between sessions: the security
// domain passes the key set it found.
//
// Every failure is a status word: 6300 for a wrong host cryptogram, 6982 for a wrong or missing
// C-MAC and for wrong padding alike (the session ends, Amendment D 6.2.5 and 6.2.6), 6985 for a
// call out of order, 6700 for lengths.
#pragma once

#include "kagibin/apdu/apdu.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/scp/card_session.h"
#include "kagibin/scp/scp03.h"

namespace kagibin::scp {

struct Scp03CardInit {
  Scp03Parameter parameter{};
  std::uint8_t key_version_number = 0;
  std::array<std::uint8_t, 10> diversification_data{};
  std::uint32_t sequence_counter =
      0;    // the value to use now (i b5 only); the caller stores it incremented first
  Aid aid;  // for the pseudo-random challenge
};

class Scp03Card final : public CardSession {
 public:
  // INITIALIZE UPDATE: the data is the host challenge. On success the session waits for EXTERNAL
  // AUTHENTICATE.
  std::expected<Bytes, StatusWord> initialize_update(ByteView host_challenge,
                                                     Scp03KeySet keys,
                                                     const Scp03CardInit& init,
                                                     crypto::Rng& rng);
  // `command` is the whole command as received (secure-messaging bit set). Ok opens the session at
  // level P1.
  StatusWord external_authenticate(const apdu::CommandApdu& command);

  std::uint8_t protocol() const override { return kScp03; }
  apdu::ResponseApdu establish(const apdu::CommandApdu& command) override;
  // A command received in an open session. Without the secure-messaging bit it is refused when the
  // level has C-MAC.
  std::expected<Unwrapped, StatusWord> unwrap(const apdu::CommandApdu& command) override;
  // The data field of the answer to the command unwrapped last: encrypted and with R-MAC as the
  // level says. With R-MAC, error status words carry neither data nor MAC.
  Bytes wrap(ByteView data, StatusWord sw) override;

  // Decrypts a value under Key-DEK, CBC with a zero IV (6.2.8). Only in an open session.
  std::expected<SecretBytes, StatusWord> decrypt_sensitive(ByteView value) const override;

  bool open() const override;
  SecurityLevel level() const override;
  OffCardEntity off_card_entity() const override;  // who has a domain's keys is its provider
  std::uint8_t key_version_number() const;
  void close() override;

 private:
  enum class State : std::uint8_t { kClosed, kChallenged, kOpen };
  StatusWord authenticate(const Scp03SessionKeys& session, const apdu::CommandApdu& command);
  std::expected<SecretBytes, StatusWord> open_command(const Scp03SessionKeys& session,
                                                      const apdu::CommandApdu& command);

  State state_ = State::kClosed;
  std::optional<Scp03KeySet> keys_;
  std::optional<Scp03SessionKeys> session_;
  Scp03Parameter parameter_;
  std::uint8_t key_version_number_ = 0;
  Bytes host_challenge_;
  Bytes card_challenge_;
  SecurityLevel level_{};
  crypto::AesBlock chaining_value_{};
  std::uint32_t counter_ = 0;
};

}  // namespace kagibin::scp
