// SPDX-License-Identifier: Apache-2.0
// The low-level SHA-2 of libcrypto is deprecated and is used in this one unit: its state lies on
// our stack, where it can be wiped, and a short HMAC costs a third of what EVP_MAC takes.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "kagibin/crypto/hmac_sha256.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "kagibin/base/result.h"

namespace kagibin::crypto {
namespace {

struct Sha256 {
  static constexpr std::size_t kBlockSize = 64;
  static constexpr std::size_t kDigestSize = 32;
  SHA256_CTX ctx;
  bool init() { return SHA256_Init(&ctx) == 1; }
  bool update(ByteView octets) { return SHA256_Update(&ctx, octets.data(), octets.size()) == 1; }
  bool finish(MutableByteView out) { return SHA256_Final(out.data(), &ctx) == 1; }
};

struct Sha384 {
  static constexpr std::size_t kBlockSize = 128;
  static constexpr std::size_t kDigestSize = 48;
  SHA512_CTX ctx;
  bool init() { return SHA384_Init(&ctx) == 1; }
  bool update(ByteView octets) { return SHA384_Update(&ctx, octets.data(), octets.size()) == 1; }
  bool finish(MutableByteView out) { return SHA384_Final(out.data(), &ctx) == 1; }
};

// The hash over the key, masked and filled up to a block, and the pieces.
template <typename Hash>
void keyed_hash(ByteView key,
                std::uint8_t mask,
                std::initializer_list<ByteView> pieces,
                MutableByteView out) {
  SecretArray<Hash::kBlockSize> block;
  const MutableByteView octets = block.expose_mutable();
  for (std::size_t i = 0; i < octets.size(); ++i) {
    octets[i] = static_cast<std::uint8_t>((i < key.size() ? key[i] : 0U) ^ mask);
  }
  Hash hash;
  bool good = hash.init() && hash.update(octets);
  for (const ByteView piece : pieces) {
    good = good && hash.update(piece);
  }
  good = good && hash.finish(out);
  OPENSSL_cleanse(&hash.ctx, sizeof hash.ctx);
  KB_CHECK(good);
}

template <typename Hash>
SecretArray<Hash::kDigestSize> hmac(ByteView key, std::initializer_list<ByteView> pieces) {
  KB_CHECK(key.size() <= Hash::kBlockSize);
  SecretArray<Hash::kDigestSize> inner;
  SecretArray<Hash::kDigestSize> outer;
  keyed_hash<Hash>(key, 0x36, pieces, inner.expose_mutable());
  keyed_hash<Hash>(key, 0x5C, {inner.expose()}, outer.expose_mutable());
  return outer;
}

}  // namespace

SecretArray<32> hmac_sha256(ByteView key, std::initializer_list<ByteView> pieces) {
  return hmac<Sha256>(key, pieces);
}

SecretArray<48> hmac_sha384(ByteView key, std::initializer_list<ByteView> pieces) {
  return hmac<Sha384>(key, pieces);
}

}  // namespace kagibin::crypto
