// SPDX-License-Identifier: Apache-2.0
// The model of kagibin/crypto/ed25519/ed25519.h: signatures that are hashes bound to the public
// key.
#include "kagibin/crypto/ed25519/ed25519.h"

#include <utility>

#include "tests/simulation/model_crypto/mixing.h"

namespace kagibin::crypto {
namespace {

using model_crypto::Mixing;

Ed25519Signature signature_of(const Ed25519PublicKey& key, ByteView message) {
  Ed25519Signature out{};
  Mixing("ed25519").add(key).add(message).give(out);
  return out;
}

}  // namespace

Result<Ed25519PrivateKey> Ed25519PrivateKey::generate(Rng& rng) {
  SecretArray<32> seed;
  KB_TRY(rng.fill(seed.expose_mutable()));
  return from_seed(seed.expose());
}

Result<Ed25519PrivateKey> Ed25519PrivateKey::from_seed(ByteView seed) {
  auto own = SecretArray<32>::copy_of(seed);
  if (!own) {
    return fail(Errc::kValue, "a private key of Ed25519 is 32 octets");
  }
  Ed25519PublicKey point{};
  Mixing("ed25519 point").add(seed).give(point);
  return Ed25519PrivateKey(std::move(*own), point);
}

Result<Ed25519PrivateKey> Ed25519PrivateKey::from_pem(ByteView /*pem*/) {
  return fail(Errc::kNotSupported, "the model has no key files");
}

Result<SecretBytes> Ed25519PrivateKey::to_pem() const {
  return fail(Errc::kNotSupported, "the model has no key files");
}

Result<Ed25519Signature> Ed25519PrivateKey::sign(ByteView message) const {
  return signature_of(public_key_, message);
}

bool ed25519_verify(const Ed25519PublicKey& key, ByteView message, ByteView signature) {
  return equal(signature_of(key, message), signature);
}

}  // namespace kagibin::crypto
