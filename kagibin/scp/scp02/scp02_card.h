// SPDX-License-Identifier: Apache-2.0
// The card's end of SCP02 (GPCS appendix E), explicit initiation: answers INITIALIZE UPDATE and
// EXTERNAL AUTHENTICATE, unwraps commands. Answers are never wrapped: i = 15 and 55 have no R-MAC.
//
// Every failure is a status word: 6300 for a wrong host cryptogram, 6982 for a wrong or missing
// C-MAC and for wrong padding alike (the session ends, GPCS E.1.6), 6985 for a call out of order,
// 6700 for lengths. Against the padding oracle: the C-MAC of a command with wrong padding is
// calculated all the same, over as many octets, and the answer is the same one.
#pragma once

#include "kagibin/apdu/apdu.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/scp/card_session.h"
#include "kagibin/scp/scp02/scp02.h"

namespace kagibin::scp {

struct Scp02CardInit {
  Scp02Parameter parameter{};
  std::uint8_t key_version_number = 0;
  std::array<std::uint8_t, 10> diversification_data{};
  std::uint16_t sequence_counter = 0;  // of the key set, as it stands
  Aid aid;                             // for the pseudo-random challenge
};

class Scp02Card final : public CardSession {
 public:
  // INITIALIZE UPDATE: the data is the host challenge. On success the session waits for EXTERNAL
  // AUTHENTICATE. 6985 when the counter has come to its end.
  std::expected<Bytes, StatusWord> initialize_update(ByteView host_challenge,
                                                     const Scp02KeySet& keys,
                                                     const Scp02CardInit& init,
                                                     crypto::Rng& rng);
  // `command` is the whole command as received (secure-messaging bit set). Ok opens the session at
  // level P1. See is_counted().
  StatusWord external_authenticate(const apdu::CommandApdu& command);

  std::uint8_t protocol() const override { return kScp02; }
  apdu::ResponseApdu establish(const apdu::CommandApdu& command) override;
  bool is_counted() const override { return counted_; }
  // A command received in an open session. Without the secure-messaging bit it is refused when the
  // level has C-MAC.
  std::expected<Unwrapped, StatusWord> unwrap(const apdu::CommandApdu& command) override;
  Bytes wrap(ByteView data, StatusWord sw) override;
  // Under the data encryption session key, ECB (GPCS E.4.7). Only in an open session.
  std::expected<SecretBytes, StatusWord> decrypt_sensitive(ByteView value) const override;

  bool open() const override { return state_ == State::kOpen; }
  SecurityLevel level() const override { return level_; }
  OffCardEntity off_card_entity() const override;  // who has a domain's keys is its provider
  void close() override;

 private:
  enum class State : std::uint8_t { kClosed, kChallenged, kOpen };
  StatusWord authenticate(const Scp02SessionKeys& session, const apdu::CommandApdu& command);
  std::expected<SecretBytes, StatusWord> open_command(const Scp02SessionKeys& session,
                                                      const apdu::CommandApdu& command);

  State state_ = State::kClosed;
  std::optional<Scp02SessionKeys> session_;
  Bytes host_challenge_;
  Scp02InitializeUpdateAnswer answer_{};
  SecurityLevel level_{};
  crypto::DesBlock c_mac_{};  // of the command before
  bool counted_ = false;
};

}  // namespace kagibin::scp
