// SPDX-License-Identifier: Apache-2.0
// ML-KEM-768 (FIPS 203) by the name that libcrypto knows it under from OpenSSL 3.5 on: whatever
// libcrypto is in the process is asked, nothing is loaded. Where it has none, every function fails
// with kNotSupported, and nothing takes its place. For crypto/hpke only, but for the first two.
//
// Decapsulation keys are kept as their seed d | z (64 octets, FIPS 203, 7.1); a ciphertext that
// does not belong to the key gives another secret, not an error (implicit rejection, 6.3).
// Thread-safety: functions.
//
//   const SecretArray<32> shared = KB_TRY(ml_kem_decapsulate(seed.expose(), ciphertext));
#pragma once

#include <string>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::crypto {

inline constexpr std::size_t kMlKemSeedSize = 64;
inline constexpr std::size_t kMlKemPublicSize = 1'184;
inline constexpr std::size_t kMlKemCiphertextSize = 1'088;
inline constexpr std::size_t kMlKemRandomnessSize = 32;

// Whether the libcrypto of this process has ML-KEM-768. Asked once.
bool has_ml_kem();
// The version of that libcrypto, "3.0.19".
std::string library_version();

Result<Bytes> ml_kem_public(ByteView seed);
// kValue for what FIPS 203, 7.2, refuses (the encapsulation key check).
Result<void> check_ml_kem_public(ByteView public_key);

struct MlKemEncapsulated {
  Bytes ciphertext;
  SecretArray<32> shared;
};
// `randomness`: m of FIPS 203, 6.2, 32 octets.
Result<MlKemEncapsulated> ml_kem_encapsulate(ByteView public_key, ByteView randomness);
Result<SecretArray<32>> ml_kem_decapsulate(ByteView seed, ByteView ciphertext);

}  // namespace kagibin::crypto
