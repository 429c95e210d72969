// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/ec/ecdh.h"

#include "kagibin/crypto/curve/curve_group.h"
#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {
namespace {

// The same scalar multiplication that EVP_PKEY_derive comes down to, without building a key pair
// for it. False when libcrypto fails.
bool agree(Curve curve, ByteView scalar, ByteView peer, MutableByteView z) {
  const ErrorScope errors;
  const EC_GROUP* group = group_of(curve).group;
  const BnCtxPtr ctx(BN_CTX_secure_new());
  const BignumPtr d = secret_bignum(scalar);
  const BignumPtr x(BN_secure_new());
  const EcPointPtr point(EC_POINT_new(group));
  const EcPointPtr product(EC_POINT_new(group));
  const int size = static_cast<int>(z.size());
  // The coordinates of the point at infinity are an error; it cannot be reached in a group of prime
  // order.
  return ctx != nullptr && d != nullptr && x != nullptr && point != nullptr && product != nullptr &&
         EC_POINT_oct2point(group, point.get(), peer.data(), peer.size(), ctx.get()) == 1 &&
         EC_POINT_mul(group, product.get(), nullptr, point.get(), d.get(), ctx.get()) == 1 &&
         EC_POINT_get_affine_coordinates(group, product.get(), x.get(), nullptr, ctx.get()) == 1 &&
         BN_bn2binpad(x.get(), z.data(), size) == size;
}

}  // namespace

Result<SecretArray<32>> ecdh(const EcPrivateKey& own, const EcPublicKey& peer) {
  SecretArray<32> z;
  if (!agree(Curve::kP256, own.expose_scalar(), peer.point(), z.expose_mutable())) {
    return fail(Errc::kCrypto, "libcrypto did not agree on a key");
  }
  return z;
}

Result<SecretBytes> ecdh(const CurvePrivateKey& own, const CurvePublicKey& peer) {
  if (own.curve() != peer.curve()) {
    return fail(Errc::kInvalidArgument, "keys agree only on one curve");
  }
  SecretBytes z(coordinate_size(own.curve()));
  if (!agree(own.curve(), own.expose_scalar(), peer.point(), z.expose_mutable())) {
    return fail(Errc::kCrypto, "libcrypto did not agree on a key");
  }
  return z;
}

}  // namespace kagibin::crypto
