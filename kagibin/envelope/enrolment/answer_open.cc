// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/enrolment/answer_open.h"

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/envelope/envelope_keys.h"
#include "kagibin/envelope/suite.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::envelope {

namespace {

Result<AnswerContent> open(const EnrolmentAnswer& answer, const crypto::AgreementKey& kem_key) {
  const crypto::EcPublicKey ephemeral =
      KB_TRY(crypto::EcPublicKey::from_point(answer.ephemeral_key));
  const crypto::Digest256 context = crypto::sha256(
      {ascii(kLabelAnswer), answer.head(), tlv::encode(0x85, kem_key.public_key().point())});
  const EnvelopeKeys keys = KB_TRY(EnvelopeKeys::agree(answer.suite, kem_key, ephemeral, context));
  const SecretBytes plaintext = KB_TRY(keys.open({answer.mac_part()}, answer.mac, answer.sealed));
  return AnswerContent::decode(plaintext.expose());
}

Result<ReceiptSignature> open_seal(const Receipt& receipt, const crypto::AgreementKey& kem_key) {
  const crypto::EcPublicKey ephemeral =
      KB_TRY(crypto::EcPublicKey::from_point(receipt.seal.ephemeral_key));
  const crypto::Digest256 context =
      crypto::sha256({ascii(kLabelReceiptSealed), receipt.handle_tlv(), receipt.mac_tlv(),
                      receipt.ephemeral_tlv(), tlv::encode(0x85, kem_key.public_key().point())});
  const EnvelopeKeys keys =
      KB_TRY(EnvelopeKeys::agree(answer_suite(receipt.suite), kem_key, ephemeral, context));
  const SecretBytes plaintext =
      KB_TRY(keys.open({ascii(kLabelReceiptSealed), receipt.handle_tlv(), receipt.mac_tlv(),
                        receipt.ephemeral_tlv(), receipt.sealed_tlv()},
                       receipt.seal.mac, receipt.seal.sealed));
  return ReceiptSignature::decode(plaintext.expose());
}

}  // namespace

Result<AnswerContent> open_answer(const EnrolmentAnswer& answer,
                                  const crypto::AgreementKey& kem_key) {
  Result<AnswerContent> content = open(answer, kem_key);
  if (!content && content.error().code == Errc::kIo) {
    return content;  // the key is in a token that did not answer: nothing is known of the message
  }
  if (!content) {
    return fail(Errc::kAuthentication, "the answer does not open under this order's key");
  }
  return content;
}

bool verify_statement(const EnrolmentStatement& statement, const crypto::EcPublicKey& kda_key) {
  return crypto::ecdsa_verify_der(kda_key, {ascii(kLabelStatement), statement.signed_part()},
                                  statement.signature);
}

Result<OpenedReceipt> open_receipt(const Receipt& receipt,
                                   ByteView statement_hash,
                                   const SecretArray<16>& receipt_key,
                                   const crypto::EcPublicKey& kda_key,
                                   const crypto::AgreementKey& kem_key) {
  OpenedReceipt out;
  if (receipt.mac) {
    const Mac16 computed = KB_TRY(crypto::aes_cmac(
        receipt_key.expose(), {ascii(kLabelReceiptMac), receipt.body(), statement_hash}));
    out.mac_valid = ct_equal(computed, *receipt.mac);
  }
  const Result<ReceiptSignature> signature = open_seal(receipt, kem_key);
  if (!signature && signature.error().code == Errc::kIo) {
    return std::unexpected(signature.error());
  }
  if (!signature) {
    return fail(Errc::kAuthentication, "the receipt's signature does not open under this key");
  }
  out.kda_counter = signature->counter;
  out.signature_valid =
      crypto::ecdsa_verify_der(kda_key,
                               {ascii(kLabelReceiptSignature), receipt.body(), receipt.mac_tlv(),
                                signature->counter_tlv(), statement_hash},
                               signature->signature);
  return out;
}

}  // namespace kagibin::envelope
