// SPDX-License-Identifier: Apache-2.0
// ECDSA with SHA-256 on P-256 (FIPS 186-5), in the two forms of this protocol: minimal DER in `9E`,
// r|s in `5F37`; and r|s with the keys of curve_key.h, P-384 with SHA-384.
//
// The per-message secret is RFC 6979 with 32 octets of Rng output as additional input (3.6): it
// stays safe when the source repeats and it is fixed when the source is fixed. Verification is
// total: any octets give true or false.
//
//   const Bytes signature = KB_TRY(ecdsa_sign_der(key, {ascii("KB1-ENR"), tlvs}, rng));
//   if (!ecdsa_verify_der(public_key, {ascii("KB1-ENR"), tlvs}, signature)) { ... }
#pragma once

#include <initializer_list>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/curve/curve_key.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/crypto/sha256.h"

namespace kagibin::crypto {

inline constexpr std::size_t kEcdsaDerMinSize = 8;
inline constexpr std::size_t kEcdsaDerMaxSize = 72;
inline constexpr std::size_t kEcdsaRawSize = 64;
inline constexpr std::size_t kEcdsaLargestRawSize = 96;

Result<Bytes> ecdsa_sign_der(const EcPrivateKey& key,
                             std::initializer_list<ByteView> message,
                             Rng& rng);
Result<Bytes> ecdsa_sign_raw(const EcPrivateKey& key,
                             std::initializer_list<ByteView> message,
                             Rng& rng);

// False for a wrong signature and for every encoding that is not the minimal one.
bool ecdsa_verify_der(const EcPublicKey& key,
                      std::initializer_list<ByteView> message,
                      ByteView signature);
bool ecdsa_verify_raw(const EcPublicKey& key,
                      std::initializer_list<ByteView> message,
                      ByteView signature);

// With the hash that goes with the key's curve (hash_of). 64 or 96 octets.
Result<Bytes> ecdsa_sign_raw(const CurvePrivateKey& key,
                             std::initializer_list<ByteView> message,
                             Rng& rng);
bool ecdsa_verify_raw(const CurvePublicKey& key,
                      std::initializer_list<ByteView> message,
                      ByteView signature);

}  // namespace kagibin::crypto
