// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/ec/ec_key.h"

#include <algorithm>

#include "kagibin/crypto/ec/p256.h"
#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {

Result<EcPublicKey> EcPublicKey::from_point(ByteView point) {
  const ErrorScope errors;
  PkeyPtr pkey = KB_TRY(make_public_pkey(Curve::kP256, point));
  EcPoint octets{};
  std::ranges::copy(point, octets.begin());
  return EcPublicKey(octets, std::move(pkey));  // the deleter comes along
}

Result<EcPrivateKey> EcPrivateKey::generate(Rng& rng) {
  SecretArray<kEcScalarSize> scalar;
  KB_TRY(draw_scalar(Curve::kP256, rng, scalar.expose_mutable()));
  return from_scalar(scalar.expose());
}

Result<EcPrivateKey> EcPrivateKey::from_scalar(ByteView scalar) {
  const ErrorScope errors;
  if (!is_p256_scalar(scalar)) {
    return fail(Errc::kValue, "a private scalar of P-256 is 32 octets in [1, n-1]");
  }
  EcPoint point{};
  if (!compute_public_point(Curve::kP256, scalar, point)) {
    return fail(Errc::kCrypto, "libcrypto did not compute the public point");
  }
  EcPublicKey public_key = KB_TRY(EcPublicKey::from_point(point));
  SecretArray<kEcScalarSize> own;
  std::ranges::copy(scalar, own.expose_mutable().begin());
  return EcPrivateKey(std::move(own), std::move(public_key));
}

}  // namespace kagibin::crypto
