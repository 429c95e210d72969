// SPDX-License-Identifier: Apache-2.0
// The low-level SHA-256 of libcrypto is deprecated and is used in this one unit: its state lies on
// our stack, where it can be wiped, and a short HMAC costs a third of what EVP_MAC takes.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "kagibin/crypto/hmac_sha256.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "kagibin/base/result.h"

namespace kagibin::crypto {
namespace {

constexpr std::size_t kBlockSize = 64;

// SHA-256 over the key, masked and filled up to a block, and the pieces.
void keyed_hash(ByteView key,
                std::uint8_t mask,
                std::initializer_list<ByteView> pieces,
                MutableByteView out) {
  SecretArray<kBlockSize> block;
  const MutableByteView octets = block.expose_mutable();
  for (std::size_t i = 0; i < kBlockSize; ++i) {
    octets[i] = static_cast<std::uint8_t>((i < key.size() ? key[i] : 0U) ^ mask);
  }
  SHA256_CTX ctx;
  bool good = SHA256_Init(&ctx) == 1 && SHA256_Update(&ctx, octets.data(), octets.size()) == 1;
  for (const ByteView piece : pieces) {
    good = good && SHA256_Update(&ctx, piece.data(), piece.size()) == 1;
  }
  good = good && SHA256_Final(out.data(), &ctx) == 1;
  OPENSSL_cleanse(&ctx, sizeof ctx);
  KB_CHECK(good);
}

}  // namespace

SecretArray<32> hmac_sha256(ByteView key, std::initializer_list<ByteView> pieces) {
  KB_CHECK(key.size() <= kBlockSize);
  SecretArray<32> inner;
  SecretArray<32> outer;
  keyed_hash(key, 0x36, pieces, inner.expose_mutable());
  keyed_hash(key, 0x5C, {inner.expose()}, outer.expose_mutable());
  return outer;
}

}  // namespace kagibin::crypto
