// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/ecdh.h"

#include "kagibin/crypto/openssl_ptr.h"
#include "kagibin/crypto/p256.h"

namespace kagibin::crypto {

// The same scalar multiplication that EVP_PKEY_derive comes down to, without building a key pair
// for it.
Result<SecretArray<32>> ecdh(const EcPrivateKey& own, const EcPublicKey& peer) {
  const ErrorScope errors;
  const EC_GROUP* group = p256_group();
  const EcPoint& octets = peer.point();
  const BnCtxPtr ctx(BN_CTX_secure_new());
  const BignumPtr d = secret_bignum(own.expose_scalar());
  const BignumPtr x(BN_secure_new());
  const EcPointPtr point(EC_POINT_new(group));
  const EcPointPtr product(EC_POINT_new(group));
  SecretArray<32> z;
  // The coordinates of the point at infinity are an error; it cannot be reached in a group of prime
  // order.
  if (ctx == nullptr || d == nullptr || x == nullptr || point == nullptr || product == nullptr ||
      EC_POINT_oct2point(group, point.get(), octets.data(), octets.size(), ctx.get()) != 1 ||
      EC_POINT_mul(group, product.get(), nullptr, point.get(), d.get(), ctx.get()) != 1 ||
      EC_POINT_get_affine_coordinates(group, product.get(), x.get(), nullptr, ctx.get()) != 1 ||
      BN_bn2binpad(x.get(), z.expose_mutable().data(), kEcScalarSize) != kEcScalarSize) {
    return fail(Errc::kCrypto, "libcrypto did not agree on a key");
  }
  return z;
}

}  // namespace kagibin::crypto
