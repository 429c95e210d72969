// SPDX-License-Identifier: Apache-2.0
// The key set that scenario 3 of Amendment A derives, and the receipt that proves it, the same at
// both ends.
//
//   ShS      ECKA-EG: X of the ephemeral key times SK.CASD.ECKA (BSI TR-03111, 4.3)
//   keys     X9.63 with SHA-256 over ShS and
//            95 value | 80 value | 81 value | [DR] | [L host ID | L IIN | L CIN]
//            in the order receipt key, Key-ENC, Key-MAC, Key-DEK
//   receipt  AES-CMAC under the receipt key over the template A6 as sent | [85 10 DR]
//
// Ownership: secrets, move-only.
//
//   const AgreedKeySet keys = KB_TRY(derive_key_set(shared_secret, reference, random, card));
#pragma once

#include "kagibin/base/secret.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/gp/confidential/setup_reference.h"

namespace kagibin::gp {

inline constexpr std::size_t kSetupRandomSize = 16;

struct AgreedKeySet {
  SecretBytes receipt_key;
  SecretBytes enc;
  SecretBytes mac;
  SecretBytes dek;
};

// Of the card: values of 42 and 45. Asked when the reference has identities.
struct CardIdentity {
  Bytes iin{};
  Bytes cin{};
};

// `random` is empty or 16 octets, as the reference says. kNotFound for an identity that is wanted
// and not there.
Result<AgreedKeySet> derive_key_set(const SecretBytes& shared_secret,
                                    const SetupReference& reference,
                                    ByteView random,
                                    const CardIdentity& card);
Result<crypto::AesBlock> setup_receipt(const AgreedKeySet& keys,
                                       ByteView reference_octets,
                                       ByteView random);

}  // namespace kagibin::gp
