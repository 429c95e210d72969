// SPDX-License-Identifier: Apache-2.0
// Keys on P-256 (FIPS 186-5, SP 800-186): a public point and a private scalar, one purpose each.
//
// A public key is the uncompressed point 04|X|Y, 65 octets, checked to lie on the curve when it is
// made. A private key is move-only and its scalar leaves only as SecretArray<32>. No half-valid
// object exists: constructors are private. Thread-safety: const use may be shared.
//
//   EcPrivateKey key = KB_TRY(EcPrivateKey::generate(rng));
//   const EcPoint point = key.public_key().point();
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <utility>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/rng.h"

struct evp_pkey_st;

namespace kagibin::crypto {

inline constexpr std::size_t kEcPointSize = 65;
inline constexpr std::size_t kEcScalarSize = 32;
using EcPoint = std::array<std::uint8_t, kEcPointSize>;

class EcPublicKey {
 public:
  // kValue unless 65 octets, first 04, on the curve.
  static Result<EcPublicKey> from_point(ByteView point);
  const EcPoint& point() const { return point_; }
  evp_pkey_st* handle() const { return key_.get(); }  // for crypto/ only; owned by this object
  friend bool operator==(const EcPublicKey& a, const EcPublicKey& b) {
    return a.point_ == b.point_;
  }

 private:
  EcPublicKey(const EcPoint& point, std::shared_ptr<evp_pkey_st> key)
      : point_(point), key_(std::move(key)) {}
  EcPoint point_;
  std::shared_ptr<evp_pkey_st> key_;
};

class EcPrivateKey {
 public:
  // A fresh scalar in [1, n-1] by rejection (FIPS 186-5, A.2.2). kCrypto when the source fails.
  static Result<EcPrivateKey> generate(Rng& rng);
  // kValue unless the scalar is in [1, n-1]. Computes the public point.
  static Result<EcPrivateKey> from_scalar(ByteView scalar);

  EcPrivateKey(const EcPrivateKey&) = delete;
  EcPrivateKey& operator=(const EcPrivateKey&) = delete;
  EcPrivateKey(EcPrivateKey&&) noexcept = default;
  EcPrivateKey& operator=(EcPrivateKey&&) noexcept = default;
  ~EcPrivateKey() = default;

  const EcPublicKey& public_key() const { return public_key_; }
  SecretArray<kEcScalarSize> scalar() const { return scalar_.duplicate(); }
  ByteView expose_scalar() const { return scalar_.expose(); }

 private:
  EcPrivateKey(SecretArray<kEcScalarSize> scalar, EcPublicKey public_key)
      : scalar_(std::move(scalar)), public_key_(std::move(public_key)) {}
  SecretArray<kEcScalarSize> scalar_;
  EcPublicKey public_key_;  // which may be copied: its handle knows nothing of the scalar
};

}  // namespace kagibin::crypto
