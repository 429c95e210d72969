// SPDX-License-Identifier: Apache-2.0
// The off-card entity of SCP11 (Amendment F v1.3): MUTUAL or INTERNAL AUTHENTICATE, then wrapped
// commands. No I/O: it makes C-APDUs and takes R-APDUs; certificates go before,
// certificate_commands.h makes theirs.
//
// Whose key PK.SD.ECKA is, is for the caller to know: from a chain that it verified (pki/
// scp_certificate.h), or by other means. Errors: kAuthentication for a wrong receipt, R-MAC or
// padding alike; kState for calls out of order; kCardStatus with the status word when the card
// answers an error; kUntrusted when in SCP11c the card answers with another key than PK.SD.ECKA.
//
//   Scp11Host host(sd_key, own_key, {.variant = Scp11Variant::kA, .key_version_number = 0x03});
//   const auto command = KB_TRY(host.authenticate(rng));
//   KB_TRY(host.finish(r_apdu));
//   apdu::CommandApdu wrapped = KB_TRY(host.wrap({.ins = 0xF2, .p1 = 0x80, .data = body}));
#pragma once

#include <optional>

#include "kagibin/crypto/curve/curve_key.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/scp/aes_messaging.h"
#include "kagibin/scp/scp11/key_schedule.h"

namespace kagibin::scp {

struct Scp11HostOptions {
  Scp11Variant variant = Scp11Variant::kB;
  std::uint8_t key_version_number = 0;  // of SK.SD.ECKA; its KID follows from the variant
  std::uint8_t key_size = 16;           // of the session keys: 16, 24, 32 octets
  bool s16 = false;                     // as the card's i says
  bool encryption = true;               // level 33; otherwise 11
  Bytes host_id{};                      // 1 to 16 octets: identities go into the derivation
  Scp11CardIdentity card{};             // then needed
  crypto::HashAlgorithm hash = kScp11Hash;
};

class Scp11Host final : public HostSession {
 public:
  // SCP11b.
  Scp11Host(crypto::CurvePublicKey sd_key, Scp11HostOptions options)
      : sd_key_(std::move(sd_key)), options_(std::move(options)) {}
  // SCP11a and SCP11c: `own_key` is SK.OCE.ECKA, on the domain's curve.
  Scp11Host(crypto::CurvePublicKey sd_key,
            crypto::CurvePrivateKey own_key,
            Scp11HostOptions options)
      : sd_key_(std::move(sd_key)), own_key_(std::move(own_key)), options_(std::move(options)) {}

  // Draws the ephemeral key. kInvalidArgument for options outside their limits, for a missing key
  // of SCP11a and c, and for keys on different curves.
  Result<apdu::CommandApdu> authenticate(crypto::Rng& rng);
  // Checks the receipt and opens the session. `static_dek`: of the domain, beside SK.SD.ECKA
  // (Amendment F, 5.1), in whose place it stands for sensitive data; empty where it has none.
  Result<void> finish(const apdu::ResponseApdu& answer, const SecretBytes* static_dek = nullptr);

  std::uint8_t protocol() const override { return kScp11; }
  bool open() const override { return messaging_.has_value(); }
  SecurityLevel level() const override;
  Result<apdu::CommandApdu> wrap(const PlainCommand& command, bool extended = false) override;
  Result<Unwrapped> unwrap(const apdu::ResponseApdu& answer) override;
  Result<Bytes> encrypt_sensitive(ByteView value) const override;
  // Ends the session and wipes its keys; authenticate() opens another.
  void close() override;

 private:
  Result<SharedSecrets> agree(const crypto::CurvePrivateKey& ephemeral,
                              const crypto::CurvePublicKey& answered) const;

  crypto::CurvePublicKey sd_key_;
  std::optional<crypto::CurvePrivateKey> own_key_{};
  Scp11HostOptions options_;
  KeyAgreementRequest request_{};
  std::optional<crypto::CurvePrivateKey> ephemeral_{};  // while the answer is awaited
  std::optional<AesHostMessaging> messaging_{};
};

}  // namespace kagibin::scp
