// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/sha256.h"

#include "kagibin/base/result.h"
#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {

Digest256 sha256(std::initializer_list<ByteView> pieces) {
  // Fetched once for the process and never freed: an implicit fetch costs more than the hash.
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  const ErrorScope errors;
  const MdCtxPtr ctx(EVP_MD_CTX_new());
  Digest256 out{};
  bool good = md != nullptr && ctx != nullptr && EVP_DigestInit_ex2(ctx.get(), md, nullptr) == 1;
  for (const ByteView piece : pieces) {
    good = good && EVP_DigestUpdate(ctx.get(), piece.data(), piece.size()) == 1;
  }
  // SHA-256 has no way to fail but want of memory or a libcrypto without it.
  KB_CHECK(good && EVP_DigestFinal_ex(ctx.get(), out.data(), nullptr) == 1);
  return out;
}

}  // namespace kagibin::crypto
