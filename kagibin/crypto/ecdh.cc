// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/ecdh.h"

#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {

Result<SecretArray<32>> ecdh(const EcPrivateKey& own, const EcPublicKey& peer) {
  const ErrorScope errors;
  const PkeyCtxPtr ctx(EVP_PKEY_CTX_new_from_pkey(nullptr, own.handle(), nullptr));
  SecretArray<32> z;
  std::size_t size = z.size();
  if (ctx == nullptr || EVP_PKEY_derive_init(ctx.get()) != 1 ||
      EVP_PKEY_derive_set_peer_ex(ctx.get(), peer.handle(), 0) != 1 ||
      EVP_PKEY_derive(ctx.get(), z.expose_mutable().data(), &size) != 1 || size != z.size()) {
    return fail(Errc::kCrypto, "libcrypto did not agree on a key");
  }
  return z;
}

}  // namespace kagibin::crypto
