// SPDX-License-Identifier: Apache-2.0
// The element's end of E1, E4 and E3: signing the statement, sealing the answer, making the
// receipt. Protocol, 5 and 10.
#pragma once

#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/envelope/delivery_message.h"

namespace kagibin::envelope {

// Signs "KB1-ES" | TLVs 80..90; returns the complete TLV E1.
Result<Bytes> sign_statement(EnrolmentStatement statement,
                             const crypto::EcPrivateKey& kda_key,
                             crypto::Rng& rng);

// The complete E4 to an E0 of this suite, sealed in answer_suite(). `kem_key_tlv` is TLV 85 of E0;
// ctx = SHA-256("KB1-ANS" | TLVs 80..84 | TLV 85 of E0).
Result<Bytes> seal_answer(const AnswerContent& content,
                          std::uint8_t suite,
                          const Handle& handle,
                          const Nonce16& nonce_a,
                          const crypto::EcPublicKey& kem_key,
                          crypto::Rng& rng);

// Fills 8E (when `receipt_key` is given) and 8F, and returns the complete E3. `statement_hash` is
// SHA-256(TLV E1).
Result<Bytes> seal_receipt(Receipt receipt,
                           ByteView statement_hash,
                           const SecretArray<16>* receipt_key,
                           std::uint32_t kda_counter,
                           const crypto::EcPrivateKey& kda_key,
                           const crypto::EcPublicKey& kem_key,
                           crypto::Rng& rng);

}  // namespace kagibin::envelope
