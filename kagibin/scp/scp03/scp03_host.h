// SPDX-License-Identifier: Apache-2.0
// The off-card entity of SCP03 (Amendment D v1.2): INITIALIZE UPDATE, EXTERNAL AUTHENTICATE, then
// wrapped commands. No I/O: it makes C-APDUs and takes R-APDUs.
//
// Errors: kAuthentication for every wrong cryptogram, R-MAC, padding or key alike; kState for calls
// out of order; kCardStatus with the status word when the card answers an error.
//
//   Scp03Host host(KB_TRY(keys), {.key_version_number = 0x30});
//   auto init = KB_TRY(host.initialize_update(rng));
//   auto ext = KB_TRY(host.external_authenticate(r_apdu, SecurityLevel{0x33}));
//   KB_TRY(host.finish_authentication(r_apdu2));
//   apdu::CommandApdu wrapped = KB_TRY(host.wrap({.ins = 0xD8, .p2 = 0x81, .data = plain}));
//   apdu::ResponseApdu answer = KB_TRY(host.unwrap(r_apdu3));
#pragma once

#include "kagibin/apdu/apdu.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/scp/aes_messaging.h"
#include "kagibin/scp/scp03/scp03.h"

namespace kagibin::scp {

struct Scp03HostOptions {
  std::uint8_t key_version_number = 0;  // P1 of INITIALIZE UPDATE; 00: the card's first
  std::uint8_t key_identifier = 0;      // P2
  bool s16 = false;                     // length of the host challenge
  bool allow_pseudo_random = true;      // refuse (kPolicy) a card whose i has b5 when false
  std::optional<Aid>
      aid{};  // selected AID: a pseudo-random card challenge is recomputed when given
};

class Scp03Host final : public HostSession {
 public:
  Scp03Host(Scp03KeySet keys, Scp03HostOptions options);

  // Draws the host challenge.
  Result<apdu::CommandApdu> initialize_update(crypto::Rng& rng);
  // Checks the card cryptogram, derives the session keys, and makes EXTERNAL AUTHENTICATE at this
  // level (kValue when the card's i does not allow it). A wrong cryptogram gives kAuthentication
  // *before* a try on the card is used.
  Result<apdu::CommandApdu> external_authenticate(const apdu::ResponseApdu& answer,
                                                  SecurityLevel level);
  // kCardStatus unless 9000.
  Result<void> finish_authentication(const apdu::ResponseApdu& answer);

  // Amendment D, 6.2.4 to 6.2.7. kLimit when the wrapped data would pass 255 octets and `extended`
  // is false. The C-MAC is always over channel 0; the caller sets channel bits afterwards.
  Result<apdu::CommandApdu> wrap(const PlainCommand& command, bool extended = false) override;
  // Checks R-MAC (if the level has it, and the status word is 9000, 62xx or 63xx: error status
  // words carry none) and decrypts. A wrong R-MAC or padding closes the session.
  Result<Unwrapped> unwrap(const apdu::ResponseApdu& answer) override;

  // A value under Key-DEK, CBC with a zero IV (Amendment D, 6.2.8), for PUT KEY and STORE DATA.
  // `value` is padded by the caller.
  Result<Bytes> encrypt_sensitive(ByteView value) const override;

  // BEGIN and END R-MAC SESSION (Amendment D, 7.1.3 and 7.1.4): answers are protected by 10 or 30
  // more. level() changes when unwrap() takes the card's 9000.
  Result<apdu::CommandApdu> begin_r_mac(SecurityLevel responses, ByteView data = {});
  Result<apdu::CommandApdu> end_r_mac();

  // Ends the session and wipes its keys; the static key set stays for another initialize_update().
  void close() override;

  std::uint8_t protocol() const override { return kScp03; }
  bool open() const override { return state_ == State::kOpen; }
  // The card's answer to INITIALIZE UPDATE, once it decoded; kept when authentication fails.
  const std::optional<InitializeUpdateAnswer>& answer() const { return answer_; }
  SecurityLevel level() const override {
    return messaging_ ? messaging_->level() : SecurityLevel{};
  }

 private:
  enum class State : std::uint8_t { kNew, kChallenged, kAuthenticating, kOpen, kClosed };

  Scp03KeySet keys_;
  Scp03HostOptions options_;
  State state_ = State::kNew;
  Bytes host_challenge_;
  std::optional<InitializeUpdateAnswer> answer_;
  std::optional<AesHostMessaging> messaging_;  // from EXTERNAL AUTHENTICATE on
};

// True when `answer` to an INITIALIZE UPDATE with `host_challenge` carries a card cryptogram valid
// under `keys`. Used to find out, without using up a try, which of two key sets a card holds
// (PROBE, protocol section 9).
bool scp03_card_holds(const Scp03KeySet& keys,
                      ByteView host_challenge,
                      const InitializeUpdateAnswer& answer);

}  // namespace kagibin::scp
