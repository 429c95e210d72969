// SPDX-License-Identifier: Apache-2.0
// SP 800-108 in counter mode with AES-CMAC by a key that stays in the token, in the order of
// diversify_cmac (crypto/kdf/kdf.h): [i]_2 (four octets) | Label | 00 | Context | [L]_2 (four
// octets, bits).
//
// Three ways, the first that the token offers and the key allows: CKM_SP800_108_COUNTER_KDF with
// the PRF CKM_AES_CMAC (PKCS#11 v3.0, 2.42); CKM_AES_CMAC, a call a block of sixteen octets; or
// CMAC by SP 800-38B, 6.2, over CKM_AES_CBC, where the subkeys are in this process for the length
// of the call. For crypto/token/ and its tests.
#pragma once

#include <functional>

#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/token/token.h"

namespace kagibin::crypto::token {

enum class DerivationWay : std::uint8_t { kCounterKdf, kCmac, kCbc };

// CKM_SP800_108_COUNTER_KDF over label and context, for as long as `use` runs; the length is the
// CKA_VALUE_LEN of the key that is made.
CK_RV with_counter_kdf(ByteView label,
                       ByteView context,
                       const std::function<CK_RV(const CK_MECHANISM&)>& use);

// What is derived is written into `out`, which has the size that is wanted.
CK_RV derive_in_token(const TokenSession& session,
                      CK_OBJECT_HANDLE key,
                      DerivationWay way,
                      ByteView label,
                      ByteView context,
                      SecretBytes& out);

}  // namespace kagibin::crypto::token
