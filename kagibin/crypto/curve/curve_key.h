// SPDX-License-Identifier: Apache-2.0
// Keys on P-256 or P-384 (FIPS 186-5, SP 800-186), for what cards and hosts agree on among
// themselves (SCP11). The delivery protocol's own keys are those of ec_key.h.
//
// A public key is an uncompressed point, checked to lie on its curve when it is made: the point at
// infinity, other encodings and other lengths never become a key. A private key is move-only.
// Thread-safety: const use may be shared.
//
//   const CurvePrivateKey own = KB_TRY(CurvePrivateKey::generate(Curve::kP384, rng));
//   const CurvePublicKey peer = KB_TRY(CurvePublicKey::from_point(Curve::kP384, octets));
#pragma once

#include <memory>
#include <utility>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/curve/curve.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/rng.h"

struct evp_pkey_st;

namespace kagibin::crypto {

class CurvePublicKey {
 public:
  // kValue unless point_size() octets, first 04, on the curve.
  static Result<CurvePublicKey> from_point(Curve curve, ByteView point);
  static CurvePublicKey from(const EcPublicKey& key);  // on P-256

  Curve curve() const { return curve_; }
  const Bytes& point() const { return point_; }
  evp_pkey_st* handle() const { return key_.get(); }  // for crypto/ only; owned by this object
  friend bool operator==(const CurvePublicKey& a, const CurvePublicKey& b) {
    return a.curve_ == b.curve_ && a.point_ == b.point_;
  }

 private:
  CurvePublicKey(Curve curve, Bytes point, std::shared_ptr<evp_pkey_st> key)
      : curve_(curve), point_(std::move(point)), key_(std::move(key)) {}
  Curve curve_;
  Bytes point_;
  std::shared_ptr<evp_pkey_st> key_;
};

class CurvePrivateKey {
 public:
  // A fresh scalar in [1, n-1] by rejection (FIPS 186-5, A.2.2). kCrypto when the source fails.
  static Result<CurvePrivateKey> generate(Curve curve, Rng& rng);
  // kValue unless coordinate_size() octets in [1, n-1]. Computes the public point.
  static Result<CurvePrivateKey> from_scalar(Curve curve, ByteView scalar);
  static CurvePrivateKey from(const EcPrivateKey& key);  // on P-256

  CurvePrivateKey(const CurvePrivateKey&) = delete;
  CurvePrivateKey& operator=(const CurvePrivateKey&) = delete;
  CurvePrivateKey(CurvePrivateKey&&) noexcept = default;
  CurvePrivateKey& operator=(CurvePrivateKey&&) noexcept = default;
  ~CurvePrivateKey() = default;

  Curve curve() const { return public_key_.curve(); }
  const CurvePublicKey& public_key() const { return public_key_; }
  ByteView expose_scalar() const { return scalar_.expose(); }
  CurvePrivateKey duplicate() const { return {scalar_.duplicate(), public_key_}; }

 private:
  CurvePrivateKey(SecretBytes scalar, CurvePublicKey public_key)
      : scalar_(std::move(scalar)), public_key_(std::move(public_key)) {}
  SecretBytes scalar_;
  CurvePublicKey public_key_;  // which may be copied: its handle knows nothing of the scalar
};

}  // namespace kagibin::crypto
