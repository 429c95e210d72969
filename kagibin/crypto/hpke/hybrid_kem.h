// SPDX-License-Identifier: Apache-2.0
// ML-KEM-768 beside a Diffie-Hellman group (draft-irtf-cfrg-concrete-hybrid-kems-02, 5; for X25519
// the same octets as draft-connolly-cfrg-xwing-kem-10). For crypto/hpke only.
//
//   seed (32)  SHAKE256(seed) = ML-KEM seed (64) | seed of the group: 32 for X25519, 128 for P-256
//   public     ML-KEM public key | public key of the group
//   enc        ML-KEM ciphertext | ephemeral public key
//   shared     SHA3-256(ML-KEM secret | DH | ephemeral public key |
//              public key of the group | label)
//
// A scalar of P-256 is the first of four strings of 32 octets that is in [1, n-1]. Precondition of
// all: the KEM is 0050 or 647A. Failures as kem.h. Thread-safety: functions.
//
//   const Bytes public_key = KB_TRY(hybrid_public(HpkeKem::kMlKem768X25519, seed.expose()));
#pragma once

#include "kagibin/crypto/hpke/kem.h"

namespace kagibin::crypto {

Result<Bytes> hybrid_public(HpkeKem kem, ByteView seed);
Result<void> check_hybrid_public(HpkeKem kem, ByteView public_key);
Result<Encapsulated> hybrid_encapsulate(HpkeKem kem, ByteView public_key, Rng& rng);
Result<SecretArray<32>> hybrid_decapsulate(HpkeKem kem, ByteView seed, ByteView enc);

}  // namespace kagibin::crypto
