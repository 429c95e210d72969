// SPDX-License-Identifier: Apache-2.0
// Keys on P-256 (FIPS 186-5, SP 800-186): a public point and a private scalar, one purpose each.
//
// A public key is the uncompressed point 04|X|Y, 65 octets, checked to lie on the curve when it is
// made: whoever verifies or agrees with it later relies on that. A private key is move-only and its
// scalar leaves only as SecretArray<32>; signing and agreeing do without its public point, so one
// that was made from a scalar alone computes the point whenever it is asked for. No half-valid
// object exists: constructors are private. Thread-safety: const use may be shared.
//
//   EcPrivateKey key = KB_TRY(EcPrivateKey::generate(rng));
//   const EcPoint point = key.public_key().point();
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/rng.h"

namespace kagibin::crypto {

inline constexpr std::size_t kEcPointSize = 65;
inline constexpr std::size_t kEcScalarSize = 32;
using EcPoint = std::array<std::uint8_t, kEcPointSize>;

class EcPublicKey {
 public:
  // kValue unless 65 octets, first 04, on the curve.
  static Result<EcPublicKey> from_point(ByteView point);
  const EcPoint& point() const& { return point_; }
  EcPoint point() && { return point_; }
  friend bool operator==(const EcPublicKey&, const EcPublicKey&) = default;

 private:
  friend class EcPrivateKey;
  explicit EcPublicKey(const EcPoint& point) : point_(point) {}
  EcPoint point_;
};

class EcPrivateKey {
 public:
  // A fresh scalar in [1, n-1] by rejection (FIPS 186-5, A.2.2). kCrypto when the source fails.
  static Result<EcPrivateKey> generate(Rng& rng);
  // kValue unless the scalar is in [1, n-1].
  static Result<EcPrivateKey> from_scalar(ByteView scalar);
  // The same with the point that was kept beside it, so that it is not computed again. Not checked:
  // that the two belong together; for records that nobody else can write.
  static Result<EcPrivateKey> from_pair(ByteView scalar, const EcPublicKey& public_key);

  EcPrivateKey(const EcPrivateKey&) = delete;
  EcPrivateKey& operator=(const EcPrivateKey&) = delete;
  EcPrivateKey(EcPrivateKey&&) noexcept = default;
  EcPrivateKey& operator=(EcPrivateKey&&) noexcept = default;
  ~EcPrivateKey() = default;

  // Takes half as long as a signature when nobody said which it is.
  EcPublicKey public_key() const;
  SecretArray<kEcScalarSize> scalar() const { return scalar_.duplicate(); }
  ByteView expose_scalar() const { return scalar_.expose(); }
  EcPrivateKey duplicate() const { return {scalar_.duplicate(), public_key_}; }

 private:
  EcPrivateKey(SecretArray<kEcScalarSize> scalar, const std::optional<EcPublicKey>& public_key)
      : scalar_(std::move(scalar)), public_key_(public_key) {}
  SecretArray<kEcScalarSize> scalar_;
  std::optional<EcPublicKey> public_key_;  // empty until somebody said which it is
};

}  // namespace kagibin::crypto
