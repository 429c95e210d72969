// SPDX-License-Identifier: Apache-2.0
// Types of keys and of their components (GPCS 2.3.1, 11.1.8, table 11-16), and which components
// make a key.
//
//   80 DES, 82 3DES CBC | 88 AES | A1 + A0 RSA public: modulus, exponent
//   A2 + A3 RSA private: modulus, exponent | A4 to A8 RSA private, Chinese remainder form
//   B0 EC public, B1 EC private, or both; with F0 (reference of the curve) or B2 to B6 and B7 (its
//   parameters), or neither: then the length says which curve
//
// In any order, each type once. Other types are known by number only: nothing here uses them.
#pragma once

#include <cstdint>
#include <span>

#include "kagibin/base/result.h"

namespace kagibin::gp {

namespace key_type {
inline constexpr std::uint8_t kDes = 0x80;
inline constexpr std::uint8_t kDesCbc = 0x82;
inline constexpr std::uint8_t kAes = 0x88;
inline constexpr std::uint8_t kRsaPublicExponent = 0xA0;
inline constexpr std::uint8_t kRsaPublicModulus = 0xA1;
inline constexpr std::uint8_t kRsaPrivateModulus = 0xA2;
inline constexpr std::uint8_t kRsaPrivateExponent = 0xA3;
inline constexpr std::uint8_t kRsaP = 0xA4;
inline constexpr std::uint8_t kRsaQ = 0xA5;
inline constexpr std::uint8_t kRsaQInverse = 0xA6;
inline constexpr std::uint8_t kRsaDp = 0xA7;
inline constexpr std::uint8_t kRsaDq = 0xA8;
inline constexpr std::uint8_t kEcPublic = 0xB0;
inline constexpr std::uint8_t kEcPrivate = 0xB1;
inline constexpr std::uint8_t kEcField = 0xB2;
inline constexpr std::uint8_t kEcA = 0xB3;
inline constexpr std::uint8_t kEcB = 0xB4;
inline constexpr std::uint8_t kEcGenerator = 0xB5;
inline constexpr std::uint8_t kEcOrder = 0xB6;
inline constexpr std::uint8_t kEcCofactor = 0xB7;
inline constexpr std::uint8_t kEcParameterReference = 0xF0;
inline constexpr std::uint8_t kExtended = 0xFF;  // of the format, not of a key
}  // namespace key_type

enum class KeyKind : std::uint8_t {
  kDes,
  kAes,
  kRsaPublic,
  kRsaPrivate,
  kEcPublic,
  kEcPrivate,  // with or without its public key
};

constexpr bool is_symmetric(KeyKind kind) { return kind == KeyKind::kDes || kind == KeyKind::kAes; }

// Whether PUT KEY carries a component of this type encrypted (GPCS 11.8.2.3).
constexpr bool is_secret(std::uint8_t type) {
  return type == key_type::kDes || type == key_type::kDesCbc || type == key_type::kAes ||
         (type >= key_type::kRsaPrivateModulus && type <= key_type::kRsaDq) ||
         type == key_type::kEcPrivate;
}

// Whether the type is one of those above.
bool is_known_key_type(std::uint8_t type);

// What the components make together. kNotSupported for a type that is not above; kValue for
// components that make no key, and for one that stands twice.
Result<KeyKind> key_kind(std::span<const std::uint8_t> types);

}  // namespace kagibin::gp
