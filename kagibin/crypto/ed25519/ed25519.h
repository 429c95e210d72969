// SPDX-License-Identifier: Apache-2.0
// Ed25519 (RFC 8032, 5.1): what signed notes of transparency logs are signed with.
//
// A private key is its seed of 32 octets, move-only; a signature is 64 octets and depends on key
// and message alone. Verification is total: any octets give true or false. Thread-safety: const use
// may be shared.
//
//   const Ed25519PrivateKey key = KB_TRY(Ed25519PrivateKey::generate(rng));
//   const Ed25519Signature signature = KB_TRY(key.sign(message));
//   if (!ed25519_verify(key.public_key(), message, signature)) { ... }
#pragma once

#include <array>
#include <cstdint>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/rng.h"

namespace kagibin::crypto {

using Ed25519PublicKey = std::array<std::uint8_t, 32>;
using Ed25519Signature = std::array<std::uint8_t, 64>;

class Ed25519PrivateKey {
 public:
  // kCrypto when the source or libcrypto fails.
  static Result<Ed25519PrivateKey> generate(Rng& rng);
  // kValue unless 32 octets.
  static Result<Ed25519PrivateKey> from_seed(ByteView seed);
  // PKCS#8 in PEM (RFC 8410), not encrypted. kEncoding, kValue (a key for something else).
  static Result<Ed25519PrivateKey> from_pem(ByteView pem);
  Result<SecretBytes> to_pem() const;

  const Ed25519PublicKey& public_key() const { return public_key_; }
  Result<Ed25519Signature> sign(ByteView message) const;

 private:
  Ed25519PrivateKey(SecretArray<32> seed, const Ed25519PublicKey& public_key)
      : seed_(std::move(seed)), public_key_(public_key) {}
  SecretArray<32> seed_;
  Ed25519PublicKey public_key_;
};

bool ed25519_verify(const Ed25519PublicKey& key, ByteView message, ByteView signature);

}  // namespace kagibin::crypto
