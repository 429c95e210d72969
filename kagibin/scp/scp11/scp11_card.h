// SPDX-License-Identifier: Apache-2.0
// The card's end of SCP11 (Amendment F v1.3): certificates of the off-card entity, MUTUAL
// AUTHENTICATE and INTERNAL AUTHENTICATE, and the session that they open.
//
// Every failure is a status word: 6A80 for what does not decode, for a point that is not on the
// key's curve and for parameters that do not fit KID and INS; 6A86 for b8 of P1 or P2; 6A88 for a
// key or an identity that the domain has not, and when no CERT.OCE.ECKA came before SCP11a and c;
// 6A81 for a variant that the domain does not speak.
//
//   Scp11Card card;
//   const StatusWord sw = card.perform_security_operation(command, domain);
//   auto opened = card.authenticate(command, domain, rng);   // 82 or 88
#pragma once

#include <expected>
#include <memory>

#include "kagibin/crypto/rng.h"
#include "kagibin/scp/aes_messaging.h"
#include "kagibin/scp/scp11/host_certificates.h"
#include "kagibin/scp/scp11/key_agreement.h"

namespace kagibin::scp {

class Scp11Session final : public CardSession {
 public:
  Scp11Session(AesSession session, Scp11Variant variant, OffCardEntity entity)
      : messaging_(AesCardMessaging(std::move(session))),
        variant_(variant),
        entity_(std::move(entity)) {}

  std::uint8_t protocol() const override { return kScp11; }
  bool is_replayable() const override { return variant_ == Scp11Variant::kC; }
  apdu::ResponseApdu establish(const apdu::CommandApdu& command) override;  // 6985: it is open
  bool open() const override { return messaging_.has_value(); }
  SecurityLevel level() const override;
  OffCardEntity off_card_entity() const override;
  std::expected<Unwrapped, StatusWord> unwrap(const apdu::CommandApdu& command) override;
  Bytes wrap(ByteView data, StatusWord sw) override;
  std::expected<SecretBytes, StatusWord> decrypt_sensitive(ByteView value) const override;
  void close() override;

 private:
  std::optional<AesCardMessaging> messaging_;
  Scp11Variant variant_;
  OffCardEntity entity_;
};

class Scp11Card {
 public:
  // INS 2A.
  StatusWord perform_security_operation(const apdu::CommandApdu& command,
                                        const Scp11Domain& domain) {
    return certificates_.submit(command, domain);
  }
  // INS 82 and 88.
  struct Opened {
    Bytes answer;
    std::unique_ptr<Scp11Session> session;
    KeyReference key;  // SK.SD.ECKA
  };
  std::expected<Opened, StatusWord> authenticate(const apdu::CommandApdu& command,
                                                 const Scp11Domain& domain,
                                                 crypto::Rng& rng) const;
  const std::optional<CertifiedHost>& host() const { return certificates_.host(); }
  // Forgets the off-card entity (SELECT of another application, reset, MANAGE CHANNEL close).
  void forget() { certificates_.forget(); }

 private:
  HostCertificates certificates_;
};

}  // namespace kagibin::scp
