// SPDX-License-Identifier: Apache-2.0
// The service provider's end of E4, E1 and E3: opening the answer, checking the receipt. Protocol,
// sections 5 and 10.
#pragma once

#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/held_key/agreement_key.h"
#include "kagibin/envelope/delivery_message.h"

namespace kagibin::envelope {

// kAuthentication for every failure but one: kIo when the key is in a token that does not answer.
// The content's certificates and signature are not checked here (pki/chain.h, verify_statement).
Result<AnswerContent> open_answer(const EnrolmentAnswer& answer,
                                  const crypto::AgreementKey& kem_key);
bool verify_statement(const EnrolmentStatement& statement, const crypto::EcPublicKey& kda_key);

struct OpenedReceipt {
  bool mac_valid = false;  // 8E present and right under Kr: only then 00 and 01 are believed
  std::uint32_t kda_counter = 0;
  bool signature_valid = false;  // for disputes
};
// kAuthentication when 8F does not open; kIo as above.
Result<OpenedReceipt> open_receipt(const Receipt& receipt,
                                   ByteView statement_hash,
                                   const SecretArray<16>& receipt_key,
                                   const crypto::EcPublicKey& kda_key,
                                   const crypto::AgreementKey& kem_key);

}  // namespace kagibin::envelope
