// SPDX-License-Identifier: Apache-2.0
// What a token can do for Kagibin, by the mechanisms that it offers (C_GetMechanismInfo), and the
// refusal that names the mechanism that is missing and what works without it.
//
//   KB_TRY(token.abilities().require_signing());
#pragma once

#include "kagibin/base/result.h"
#include "kagibin/crypto/token/token_module.h"

namespace kagibin::crypto::token {

// PKCS#11 v3.0, 2.42, which p11-kit's header is older than.
inline constexpr CK_MECHANISM_TYPE kSp800108CounterKdf = 0x3AC;

struct TokenAbilities {
  bool signs = false;              // CKM_ECDSA
  bool agrees = false;             // CKM_ECDH1_DERIVE
  bool derives = false;            // CKM_SP800_108_COUNTER_KDF
  bool authenticates = false;      // CKM_AES_CMAC
  bool encrypts = false;           // CKM_AES_CBC
  bool makes_key_pairs = false;    // CKM_EC_KEY_PAIR_GEN
  bool makes_secret_keys = false;  // CKM_AES_KEY_GEN

  static TokenAbilities of(const TokenPlace& place);

  bool diversifies() const { return derives || authenticates || encrypts; }
  // kNotSupported.
  Result<void> require_signing() const;
  Result<void> require_agreement() const;
  Result<void> require_derivation() const;
  Result<void> require_key_pairs() const;
  Result<void> require_secret_keys() const;
};

}  // namespace kagibin::crypto::token
