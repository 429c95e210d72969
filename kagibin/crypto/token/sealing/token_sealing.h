// SPDX-License-Identifier: Apache-2.0
// Sealing an envelope of suite 01 or 02 inside a token (joined_plaintext.h), by PKCS#11 v2.40:
//
//   a key pair of the session      CKM_EC_KEY_PAIR_GEN
//   Kenc | Kmac | IV               CKM_ECDH1_DERIVE with CKD_SHA256_KDF, which is X9.63 with
//                                  SHA-256; cut by CKM_EXTRACT_KEY_FROM_KEY
//   first block, XOR IV            CKM_XOR_BASE_AND_DATA: C_WrapKey wants an IV, and this one may
//                                  not leave, so the wrapping has IV 0; hence the head of the
//                                  plaintext is known here
//   the rest                       CKM_CONCATENATE_BASE_AND_DATA, CKM_CONCATENATE_BASE_AND_KEY
//   ciphertext                     C_WrapKey, CKM_AES_CBC under Kenc
//   MAC                            CKM_AES_CMAC under Kmac
//
// Everything on the way is an object of the session, sensitive, and destroyed at the end. Several
// of these mechanisms are not among those that a token lists (C_GetMechanismInfo) though it has
// them: rehearse() finds out by doing it once with a key that is thrown away, and opens the result
// by the software of this library. For crypto/token/ only.
#pragma once

#include "kagibin/crypto/held_key/joined_plaintext.h"
#include "kagibin/crypto/token/token_keys.h"

namespace kagibin::crypto::token {

// AES keys of the token that may leave it under another key. Errors: those of KeyTokens.
Result<LongCheckValue> check_value_in_token(const SharedToken& token,
                                            const TokenUri& uri,
                                            const KeyInToken& key);

// All keys of the plaintext are in this token.
Result<SealedInToken> seal_in_token(const SharedToken& token,
                                    const JoinedPlaintext& plaintext,
                                    const EcPublicKey& recipient,
                                    std::size_t key_size,
                                    const SealingContext& context);

// kNotSupported, naming what is missing; kCrypto when what the token sealed does not open, or opens
// as something else.
Result<void> rehearse_sealing(const SharedToken& token, std::size_t key_size);

}  // namespace kagibin::crypto::token
