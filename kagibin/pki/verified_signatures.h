// SPDX-License-Identifier: Apache-2.0
// Signatures of certificates that were verified before: the same octets under the same key verify
// again, so the chain of a partner costs its elliptic-curve work once.
//
// Only the signature is remembered. Dates, epochs, revocation and roots are looked at every time.
// What is remembered is one SHA-256 over the issuer's key and the whole certificate, signature
// included, of at most kCapacity certificates that did verify; the oldest makes room.
// Thread-safety: one a thread (of_thread), so that nothing is shared.
#pragma once

#include <array>
#include <cstddef>

#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/sha256.h"

namespace kagibin::pki {

class VerifiedSignatures {
 public:
  static constexpr std::size_t kCapacity = 32;

  static VerifiedSignatures& of_thread();

  static crypto::Digest256 name(const crypto::EcPublicKey& issuer_key, ByteView certificate);
  bool contains(const crypto::Digest256& name) const;
  void remember(const crypto::Digest256& name);

 private:
  std::array<crypto::Digest256, kCapacity> names_{};
  std::size_t count_ = 0;
  std::size_t next_ = 0;
};

}  // namespace kagibin::pki
