// SPDX-License-Identifier: Apache-2.0
// The per-message secrets of ECDSA on P-256 with SHA-256: RFC 6979, 3.2, with the additional input
// k' of 3.6. For crypto/ only.
//
//   Rfc6979 secrets(key.expose_scalar(), digest, additional_input);
//   const SecretArray<32> k = secrets.next_nonce();
#pragma once

#include "kagibin/base/bytes.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/sha256.h"

namespace kagibin::crypto {

class Rfc6979 {
 public:
  // Precondition: the scalar is 32 octets in [1, n-1]. An empty additional input gives the values
  // of RFC 6979, A.2.5.
  Rfc6979(ByteView scalar, const Digest256& digest, ByteView additional_input);

  // The next k in [1, n-1].
  SecretArray<32> next_nonce();
  // A number in [1, n-1] of the same secrecy to blind the arithmetic with; not part of the RFC.
  SecretArray<32> blind() const;

 private:
  void step(ByteView tail);

  SecretArray<32> k_;
  SecretArray<32> v_;
  bool used_ = false;
};

}  // namespace kagibin::crypto
