// SPDX-License-Identifier: Apache-2.0
// The model of kagibin/crypto/sha256.h, hash.h and hmac_sha256.h.
#include "kagibin/crypto/hash.h"

#include <utility>

#include "kagibin/crypto/hmac_sha256.h"
#include "kagibin/crypto/sha256.h"

#include "tests/simulation/model_crypto/mixing.h"

namespace kagibin::crypto {

using model_crypto::Mixing;

Digest256 sha256(std::initializer_list<ByteView> pieces) {
  Digest256 out{};
  Mixing("hash").add(std::to_underlying(HashAlgorithm::kSha256)).add(pieces).give(out);
  return out;
}

Bytes digest(HashAlgorithm algorithm, std::initializer_list<ByteView> pieces) {
  Bytes out(digest_size(algorithm));
  Mixing("hash").add(std::to_underlying(algorithm)).add(pieces).give(out);
  return out;
}

SecretBytes secret_digest(HashAlgorithm algorithm, std::initializer_list<ByteView> pieces) {
  return SecretBytes::copy_of(digest(algorithm, pieces));
}

SecretArray<32> hmac_sha256(ByteView key, std::initializer_list<ByteView> pieces) {
  SecretArray<32> out;
  Mixing("hmac").add(key).add(pieces).give(out.expose_mutable());
  return out;
}

SecretArray<48> hmac_sha384(ByteView key, std::initializer_list<ByteView> pieces) {
  SecretArray<48> out;
  Mixing("hmac").add(key).add(pieces).give(out.expose_mutable());
  return out;
}

}  // namespace kagibin::crypto
