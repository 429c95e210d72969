// SPDX-License-Identifier: Apache-2.0
// The off-card entity of SCP02 (GPCS appendix E), explicit initiation: INITIALIZE UPDATE, EXTERNAL
// AUTHENTICATE, then wrapped commands. No I/O: it makes C-APDUs and takes R-APDUs. Answers carry no
// R-MAC with i = 15 and 55: nothing says that the card gave them.
//
// Errors: kAuthentication for a wrong card cryptogram; kState for calls out of order; kCardStatus
// with the status word when the card answers an error.
//
//   Scp02Host host(KB_TRY(keys), {.key_version_number = 0x20});
//   auto init = KB_TRY(host.initialize_update(rng));
//   auto ext = KB_TRY(host.external_authenticate(r_apdu, SecurityLevel{0x03}));
//   KB_TRY(host.finish_authentication(r_apdu2));
//   apdu::CommandApdu wrapped = KB_TRY(host.wrap({.ins = 0xE4, .data = plain}));
#pragma once

#include "kagibin/apdu/apdu.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/scp/host_session.h"
#include "kagibin/scp/scp02/scp02.h"

namespace kagibin::scp {

struct Scp02HostOptions {
  std::uint8_t key_version_number = 0;  // P1 of INITIALIZE UPDATE; 00: the card's first
  std::uint8_t key_identifier = 0;      // P2
  // Selected AID, of a card whose i is 55: its challenge is recomputed when given.
  std::optional<Aid> aid{};
};

class Scp02Host final : public HostSession {
 public:
  Scp02Host(Scp02KeySet keys, Scp02HostOptions options);

  // Draws the host challenge.
  Result<apdu::CommandApdu> initialize_update(crypto::Rng& rng);
  // Checks the card cryptogram, derives the session keys, and makes EXTERNAL AUTHENTICATE at this
  // level (kValue unless 00, 01 or 03). A wrong cryptogram gives kAuthentication *before* a try on
  // the card is used.
  Result<apdu::CommandApdu> external_authenticate(const apdu::ResponseApdu& answer,
                                                  SecurityLevel level);
  // kCardStatus unless 9000.
  Result<void> finish_authentication(const apdu::ResponseApdu& answer);

  std::uint8_t protocol() const override { return kScp02; }
  bool open() const override { return state_ == State::kOpen; }
  SecurityLevel level() const override { return level_; }
  Result<apdu::CommandApdu> wrap(const PlainCommand& command, bool extended = false) override;
  Result<Unwrapped> unwrap(const apdu::ResponseApdu& answer) override;
  Result<Bytes> encrypt_sensitive(ByteView value) const override;
  // The static key set stays for another initialize_update().
  void close() override;

  // The card's answer to INITIALIZE UPDATE, once it decoded; kept when authentication fails.
  const std::optional<Scp02InitializeUpdateAnswer>& answer() const { return answer_; }

 private:
  enum class State : std::uint8_t { kNew, kChallenged, kAuthenticating, kOpen, kClosed };

  Scp02KeySet keys_;
  Scp02HostOptions options_;
  State state_ = State::kNew;
  Bytes host_challenge_;
  std::optional<Scp02InitializeUpdateAnswer> answer_;
  std::optional<Scp02SessionKeys> session_;
  SecurityLevel level_{};
  crypto::DesBlock c_mac_{};  // of the command before
};

}  // namespace kagibin::scp
