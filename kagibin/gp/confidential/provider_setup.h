// SPDX-License-Identifier: Apache-2.0
// The provider's end of a confidential set-up (Amendment A, scenario 3; SGP.02, ES8): it makes the
// commands, and knows the keys. Who carries the commands sees points, a signature and a receipt,
// and learns no key, whatever channel keys he holds.
//
// The CASD's public key is the caller's to believe: from a CERT.CASD under the controlling
// authority (pki). One object, one set-up; a step out of turn is kState. Ownership: a secret,
// move-only. Thread-safety: one thread.
//
//   ProviderSetup setup(reference, casd_key);
//   for (const auto& block : setup.show_certificate(own.encoded())) { carry(block); }  -> challenge
//   carry(KB_TRY(setup.ask(challenge, own_key, rng)))                      -> answer
//   const AgreedKeySet keys = KB_TRY(setup.finish(answer));
#pragma once

#include <optional>
#include <vector>

#include "kagibin/crypto/curve/curve_key.h"
#include "kagibin/crypto/held_key/signing_key.h"
#include "kagibin/gp/confidential/agreed_key_set.h"
#include "kagibin/gp/confidential/setup_messages.h"

namespace kagibin::gp {

class ProviderSetup {
 public:
  // `card` when the reference has identities.
  ProviderSetup(SetupReference reference, crypto::CurvePublicKey casd_key, CardIdentity card = {})
      : reference_(std::move(reference)), casd_key_(std::move(casd_key)), card_(std::move(card)) {}

  // The first blocks of the signed form, one mostly: CERT.SP. The answer to the last has a
  // challenge, those before are empty.
  std::vector<apdu::CommandApdu> show_certificate(ByteView certificate);
  // The last block of it; `answer` is the data of the answer to those before. kInvalidArgument for
  // a reference that says no certificate.
  Result<apdu::CommandApdu> ask(ByteView answer,
                                const crypto::SigningKey& own_key,
                                crypto::Rng& rng);
  // The unsigned form. kInvalidArgument for a reference that says a certificate.
  Result<apdu::CommandApdu> ask(crypto::Rng& rng);
  // The key set that a good answer will prove, once asked: to keep it before the request leaves,
  // for the answer may be lost. kState before ask(), and where a random of the card goes into the
  // keys.
  Result<AgreedKeySet> expected() const;
  // The key set. kAuthentication for a wrong receipt: what answered is not the CASD of that key.
  Result<AgreedKeySet> finish(ByteView answer);

 private:
  Result<Bytes> make_point(crypto::Rng& rng);

  SetupReference reference_;
  crypto::CurvePublicKey casd_key_;
  CardIdentity card_;
  std::optional<crypto::CurvePrivateKey> ephemeral_{};
  std::uint8_t blocks_ = 1;  // that showed the certificate
};

}  // namespace kagibin::gp
