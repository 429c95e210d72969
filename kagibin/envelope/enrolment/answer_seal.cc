// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/enrolment/answer_seal.h"

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/envelope/envelope_keys.h"
#include "kagibin/envelope/suite.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::envelope {

Result<Bytes> sign_statement(EnrolmentStatement statement,
                             const crypto::EcPrivateKey& kda_key,
                             crypto::Rng& rng) {
  KB_TRY(statement.check());
  statement.signature = KB_TRY(
      crypto::ecdsa_sign_der(kda_key, {ascii(kLabelStatement), statement.signed_part()}, rng));
  return statement.encode();
}

Result<Bytes> seal_answer(const AnswerContent& content,
                          std::uint8_t suite,
                          const Handle& handle,
                          const Nonce16& nonce_a,
                          const crypto::EcPublicKey& kem_key,
                          crypto::Rng& rng) {
  KB_TRY(content.check());
  suite = answer_suite(suite);
  const crypto::EcPrivateKey ephemeral = KB_TRY(crypto::EcPrivateKey::generate(rng));
  EnrolmentAnswer out{.suite = suite,
                      .handle = handle,
                      .nonce_a = nonce_a,
                      .ephemeral_key = ephemeral.public_key().point(),
                      .sealed = {}};
  const crypto::Digest256 context =
      crypto::sha256({ascii(kLabelAnswer), out.head(), tlv::encode(0x85, kem_key.point())});
  const EnvelopeKeys keys = KB_TRY(EnvelopeKeys::agree(suite, ephemeral, kem_key, context));
  out.sealed = KB_TRY(keys.encrypt(content.encode()));
  out.mac = KB_TRY(keys.mac({out.mac_part()}));
  return out.encode();
}

Result<Bytes> seal_receipt(Receipt receipt,
                           ByteView statement_hash,
                           const SecretArray<16>* receipt_key,
                           std::uint32_t kda_counter,
                           const crypto::EcPrivateKey& kda_key,
                           const crypto::EcPublicKey& kem_key,
                           crypto::Rng& rng) {
  receipt.mac.reset();
  if (receipt_key != nullptr) {
    receipt.mac = KB_TRY(crypto::aes_cmac(
        receipt_key->expose(), {ascii(kLabelReceiptMac), receipt.body(), statement_hash}));
  }
  KB_TRY(receipt.check());

  ReceiptSignature signature{.counter = kda_counter, .signature = {}};
  signature.signature =
      KB_TRY(crypto::ecdsa_sign_der(kda_key,
                                    {ascii(kLabelReceiptSignature), receipt.body(),
                                     receipt.mac_tlv(), signature.counter_tlv(), statement_hash},
                                    rng));
  const crypto::EcPrivateKey ephemeral = KB_TRY(crypto::EcPrivateKey::generate(rng));
  receipt.seal.ephemeral_key = ephemeral.public_key().point();
  const crypto::Digest256 context =
      crypto::sha256({ascii(kLabelReceiptSealed), receipt.handle_tlv(), receipt.mac_tlv(),
                      receipt.ephemeral_tlv(), tlv::encode(0x85, kem_key.point())});
  const EnvelopeKeys keys =
      KB_TRY(EnvelopeKeys::agree(answer_suite(receipt.suite), ephemeral, kem_key, context));
  receipt.seal.sealed = KB_TRY(keys.encrypt(signature.encode()));
  receipt.seal.mac =
      KB_TRY(keys.mac({ascii(kLabelReceiptSealed), receipt.handle_tlv(), receipt.mac_tlv(),
                       receipt.ephemeral_tlv(), receipt.sealed_tlv()}));
  return receipt.encode();
}

}  // namespace kagibin::envelope
