// SPDX-License-Identifier: Apache-2.0
// What a security domain holds, as its end of SCP11 asks for it: the port between scp11_card.h and
// whoever keeps keys.
#pragma once

#include <optional>

#include "kagibin/crypto/curve/curve_key.h"
#include "kagibin/pki/certificate.h"
#include "kagibin/scp/scp11/scp11.h"

namespace kagibin::scp {

class Scp11Domain {
 public:
  Scp11Domain() = default;
  Scp11Domain(const Scp11Domain&) = delete;
  Scp11Domain& operator=(const Scp11Domain&) = delete;
  virtual ~Scp11Domain() = default;

  // Its parameter i.
  virtual Scp11Parameter parameter() const = 0;
  // PK.CA-KLOC.ECDSA; KVN 00 is the first of that KID.
  virtual std::optional<crypto::CurvePublicKey> ca_key(KeyReference reference) const = 0;
  // False when that key has an allow list and this serial number is not in it (4.3).
  virtual bool allows(KeyReference ca, ByteView serial) const = 0;
  // SK.SD.ECKA; KVN 00 is the first of that KID.
  virtual std::optional<crypto::CurvePrivateKey> agreement_key(KeyReference reference) const = 0;
  // The static Key-DEK beside it, in whose place it stands for sensitive data.
  virtual std::optional<SecretBytes> static_dek(KeyReference reference) const = 0;
  virtual Scp11CardIdentity identity() const = 0;
  // Application Provider Identifier, 5F20 of INSTALL: the subject of CERT.OCE.ECKA that is the
  // domain's own provider. Empty: everybody whom the CA certified is.
  virtual Bytes provider_identifier() const = 0;
  // Empty in an element without a clock: then no certificate expires.
  virtual std::optional<pki::CertificateDate> today() const = 0;
};

}  // namespace kagibin::scp
