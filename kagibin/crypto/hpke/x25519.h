// SPDX-License-Identifier: Apache-2.0
// X25519 (RFC 7748, section 5): u-coordinates and scalars of 32 octets. For crypto/hpke only.
//
// Every string of 32 octets is a scalar (clamped when it is used) and a public value; what tells a
// bad one is the shared secret: all zero for a point of small order, refused (RFC 9180, 7.1.4).
// Thread-safety: functions.
//
//   const SecretArray<32> dh = KB_TRY(x25519(scalar.expose(), peer));
#pragma once

#include <array>
#include <cstdint>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::crypto {

inline constexpr std::size_t kX25519Size = 32;
using X25519Public = std::array<std::uint8_t, kX25519Size>;

// kLength for anything but 32 octets, kCrypto from the library.
Result<X25519Public> x25519_public(ByteView scalar);
// kValue for an all-zero shared secret.
Result<SecretArray<kX25519Size>> x25519(ByteView scalar, ByteView peer);

}  // namespace kagibin::crypto
