// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/hash.h"

#include "kagibin/base/result.h"
#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {
namespace {

// Fetched once for the process and never freed, as in sha256.cc.
const EVP_MD* fetched(HashAlgorithm algorithm) {
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static const EVP_MD* const sha384 = EVP_MD_fetch(nullptr, "SHA384", nullptr);
  static const EVP_MD* const sha512 = EVP_MD_fetch(nullptr, "SHA512", nullptr);
  static const EVP_MD* const sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  switch (algorithm) {
    case HashAlgorithm::kSha256:
      return sha256;
    case HashAlgorithm::kSha384:
      return sha384;
    case HashAlgorithm::kSha1:
      return sha1;
    default:
      return sha512;
  }
}

// Precondition: `out` has digest_size() octets.
void digest_into(HashAlgorithm algorithm,
                 std::initializer_list<ByteView> pieces,
                 MutableByteView out) {
  const EVP_MD* const md = fetched(algorithm);
  const ErrorScope errors;
  const MdCtxPtr ctx(EVP_MD_CTX_new());
  bool good = md != nullptr && ctx != nullptr && EVP_DigestInit_ex2(ctx.get(), md, nullptr) == 1;
  for (const ByteView piece : pieces) {
    good = good && EVP_DigestUpdate(ctx.get(), piece.data(), piece.size()) == 1;
  }
  // There is no way to fail but want of memory or a libcrypto without the algorithm.
  KB_CHECK(good && EVP_DigestFinal_ex(ctx.get(), out.data(), nullptr) == 1);
}

}  // namespace

Bytes digest(HashAlgorithm algorithm, std::initializer_list<ByteView> pieces) {
  Bytes out(digest_size(algorithm));
  digest_into(algorithm, pieces, out);
  return out;
}

SecretBytes secret_digest(HashAlgorithm algorithm, std::initializer_list<ByteView> pieces) {
  SecretBytes out(digest_size(algorithm));
  digest_into(algorithm, pieces, out.expose_mutable());
  return out;
}

}  // namespace kagibin::crypto
