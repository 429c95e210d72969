// SPDX-License-Identifier: Apache-2.0
// The elliptic curves of SP 800-186 that cards use here: P-256 and P-384. The delivery protocol has
// P-256 alone, and its own types for it (ec_key.h); where a card or a host chooses, keys are those
// of curve_key.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "kagibin/crypto/hash.h"

namespace kagibin::crypto {

enum class Curve : std::uint8_t { kP256, kP384 };

// Octets of a coordinate, of a scalar, and of one half of a raw signature: 32 or 48.
constexpr std::size_t coordinate_size(Curve curve) { return curve == Curve::kP256 ? 32 : 48; }
// Octets of an uncompressed point, 04 | X | Y: 65 or 97.
constexpr std::size_t point_size(Curve curve) { return 1 + 2 * coordinate_size(curve); }
inline constexpr std::size_t kLargestPointSize = 97;

// The hash that goes with signatures of a curve: SHA-256 for P-256, SHA-384 for P-384 (GPCS 2.3.1,
// B.4).
constexpr HashAlgorithm hash_of(Curve curve) {
  return curve == Curve::kP256 ? HashAlgorithm::kSha256 : HashAlgorithm::kSha384;
}

// Key parameter reference (GPCS 2.3.1, B.2): 00 P-256, 01 P-384.
constexpr std::uint8_t key_parameter_reference(Curve curve) {
  return curve == Curve::kP256 ? std::uint8_t{0x00} : std::uint8_t{0x01};
}
constexpr std::optional<Curve> curve_of_reference(std::uint8_t reference) {
  switch (reference) {
    case 0x00:
      return Curve::kP256;
    case 0x01:
      return Curve::kP384;
    default:
      return std::nullopt;
  }
}

}  // namespace kagibin::crypto
