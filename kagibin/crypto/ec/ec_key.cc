// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/ec/ec_key.h"

#include <algorithm>

#include "kagibin/crypto/ec/p256.h"
#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {
namespace {

EcPoint point_of(ByteView scalar) {
  const ErrorScope errors;
  EcPoint point{};
  // A scalar in [1, n-1] has a point: there is no way to fail but want of memory.
  KB_CHECK(compute_public_point(Curve::kP256, scalar, point));
  return point;
}

}  // namespace

Result<EcPublicKey> EcPublicKey::from_point(ByteView point) {
  if (!is_point(Curve::kP256, point)) {
    return fail(Errc::kValue, "a public key is an uncompressed point of its curve");
  }
  EcPoint octets{};
  std::ranges::copy(point, octets.begin());
  return EcPublicKey(octets);
}

Result<EcPrivateKey> EcPrivateKey::generate(Rng& rng) {
  SecretArray<kEcScalarSize> scalar;
  KB_TRY(draw_scalar(Curve::kP256, rng, scalar.expose_mutable()));
  const EcPublicKey public_key(point_of(scalar.expose()));
  return EcPrivateKey(std::move(scalar), public_key);
}

Result<EcPrivateKey> EcPrivateKey::from_scalar(ByteView scalar) {
  if (!is_p256_scalar(scalar)) {
    return fail(Errc::kValue, "a private scalar of P-256 is 32 octets in [1, n-1]");
  }
  SecretArray<kEcScalarSize> own;
  std::ranges::copy(scalar, own.expose_mutable().begin());
  return EcPrivateKey(std::move(own), std::nullopt);
}

Result<EcPrivateKey> EcPrivateKey::from_pair(ByteView scalar, const EcPublicKey& public_key) {
  EcPrivateKey key = KB_TRY(from_scalar(scalar));
  key.public_key_ = public_key;
  return key;
}

EcPublicKey EcPrivateKey::public_key() const {
  return public_key_ ? *public_key_ : EcPublicKey(point_of(scalar_.expose()));
}

}  // namespace kagibin::crypto
