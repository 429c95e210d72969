// SPDX-License-Identifier: Apache-2.0
// The per-message secrets of ECDSA on P-256 with SHA-256 and on P-384 with SHA-384: RFC 6979, 3.2,
// with the additional input k' of 3.6. For crypto/ only.
//
//   Rfc6979 secrets(key.expose_scalar(), digest, additional_input);
//   const SecretArray<32> k = secrets.next_nonce();
#pragma once

#include "kagibin/base/bytes.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/sha256.h"

namespace kagibin::crypto {

// Size: octets of the curve's order, which are those of its hash: 32 or 48.
template <std::size_t Size>
class BasicRfc6979 {
 public:
  // Preconditions: the scalar is in [1, n-1], scalar and digest have Size octets. An empty
  // additional input gives the values of RFC 6979, A.2.5 and A.2.6.
  BasicRfc6979(ByteView scalar, ByteView digest, ByteView additional_input);

  // The next k in [1, n-1].
  SecretArray<Size> next_nonce();
  // A uniform number in [1, n-1] of the same secrecy, to blind this k with and nothing else; not
  // part of the RFC.
  SecretArray<Size> blind() const;

 private:
  void step(ByteView tail);

  SecretArray<Size> k_;
  SecretArray<Size> v_;
  bool used_ = false;
};

extern template class BasicRfc6979<32>;
extern template class BasicRfc6979<48>;
using Rfc6979 = BasicRfc6979<32>;

}  // namespace kagibin::crypto
