// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/curve/curve_key.h"

#include <algorithm>

#include "kagibin/crypto/curve/curve_group.h"

namespace kagibin::crypto {

Result<CurvePublicKey> CurvePublicKey::from_point(Curve curve, ByteView point) {
  const ErrorScope errors;
  PkeyPtr pkey = KB_TRY(make_public_pkey(curve, point));
  return CurvePublicKey(curve, Bytes(point.begin(), point.end()), std::move(pkey));
}

CurvePublicKey CurvePublicKey::from(const EcPublicKey& key) {
  auto same = from_point(Curve::kP256, key.point());
  KB_CHECK(same.has_value());
  return std::move(*same);
}

Result<CurvePrivateKey> CurvePrivateKey::generate(Curve curve, Rng& rng) {
  SecretBytes scalar(coordinate_size(curve));
  KB_TRY(draw_scalar(curve, rng, scalar.expose_mutable()));
  return from_scalar(curve, scalar.expose());
}

Result<CurvePrivateKey> CurvePrivateKey::from_scalar(Curve curve, ByteView scalar) {
  const ErrorScope errors;
  if (!is_scalar(curve, scalar)) {
    return fail(Errc::kValue, "a private scalar has its curve's length and is in [1, n-1]");
  }
  Bytes point(point_size(curve));
  if (!compute_public_point(curve, scalar, point)) {
    return fail(Errc::kCrypto, "libcrypto did not compute the public point");
  }
  CurvePublicKey public_key = KB_TRY(CurvePublicKey::from_point(curve, point));
  return CurvePrivateKey(SecretBytes::copy_of(scalar), std::move(public_key));
}

CurvePrivateKey CurvePrivateKey::from(const EcPrivateKey& key) {
  return CurvePrivateKey(SecretBytes::copy_of(key.expose_scalar()),
                         CurvePublicKey::from(key.public_key()));
}

}  // namespace kagibin::crypto
