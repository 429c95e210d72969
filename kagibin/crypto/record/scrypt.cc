// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/record/scrypt.h"

#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {

Result<SecretArray<32>> run_scrypt(const SecretBytes& passphrase,
                                   ByteView salt,
                                   const ScryptCost& cost) {
  const ErrorScope errors;
  const std::uint64_t n = std::uint64_t{1} << cost.log2_n;
  // The working memory of RFC 7914, 128 r (N + p + 1) octets with room; libcrypto's own limit is
  // 32 MiB.
  const std::uint64_t memory = 128U * std::uint64_t{cost.r} * (n + cost.p + 32U);
  SecretArray<32> key;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): octets as libcrypto's char
  const char* text = reinterpret_cast<const char*>(passphrase.expose().data());
  if (EVP_PBE_scrypt(text, passphrase.size(), salt.data(), salt.size(), n, cost.r, cost.p, memory,
                     key.expose_mutable().data(), key.size()) != 1) {
    return fail(Errc::kCrypto, "scrypt did not run: is there memory for this cost?");
  }
  return key;
}

}  // namespace kagibin::crypto
