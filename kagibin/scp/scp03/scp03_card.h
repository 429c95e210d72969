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
#include "kagibin/scp/aes_messaging.h"
#include "kagibin/scp/scp03/scp03.h"

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

  StatusWord r_mac_session(const apdu::CommandApdu& command) override;

  bool open() const override { return messaging_.has_value(); }
  SecurityLevel level() const override;
  OffCardEntity off_card_entity() const override;  // who has a domain's keys is its provider
  std::uint8_t key_version_number() const { return key_version_number_; }
  void close() override;

 private:
  // Between INITIALIZE UPDATE and EXTERNAL AUTHENTICATE.
  struct Challenge {
    Scp03KeySet keys;
    Scp03SessionKeys session;
    Scp03Parameter parameter;
    Bytes host_challenge;
    Bytes card_challenge;
  };
  StatusWord authenticate(Challenge challenge, const apdu::CommandApdu& command);

  std::optional<Challenge> challenge_;
  std::optional<AesCardMessaging> messaging_;
  std::uint8_t key_version_number_ = 0;
};

}  // namespace kagibin::scp
