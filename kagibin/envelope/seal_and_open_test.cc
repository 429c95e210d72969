// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/envelope/test_delivery.h"

#include "tests/support/failing_rng.h"
#include "tests/support/mutations.h"

namespace kagibin::envelope {
namespace {

using test::Names;

// As the issue tells it: request, answer, envelope, receipt, each made at one end and taken at the
// other.
TEST(SealAndOpenTest, OneDeliveryGoesFromRequestToReceipt) {
  TestDelivery t;
  const Bytes e0 = t.e0();
  const EnrolmentRequest request = EnrolmentRequest::decode(e0).value();
  EXPECT_TRUE(verify_request(request, t.provider_key.public_key()));
  EXPECT_EQ(request.encode(), e0);

  const Bytes e4 = t.e4();
  const EnrolmentAnswer answer = EnrolmentAnswer::decode(e4).value();
  EXPECT_EQ(answer.encode(), e4);
  const AnswerContent content = open_answer(answer, t.kem_key).value();
  const EnrolmentStatement statement = EnrolmentStatement::decode(content.statement).value();
  EXPECT_EQ(statement.encode(), content.statement);
  EXPECT_TRUE(verify_statement(statement, t.kda_key.public_key()));

  const Bytes e2 = t.e2(content.statement);
  const crypto::Digest256 statement_hash = crypto::sha256(content.statement);
  const Envelope envelope = Envelope::decode(e2).value();
  EXPECT_EQ(envelope.encode(), e2);
  EXPECT_TRUE(verify_envelope(envelope, statement_hash, t.provider_key.public_key()));
  const Payload payload = open_delivery(envelope, statement_hash, t.enrolment_key).value();
  EXPECT_TRUE(ct_equal(payload.encode().expose(), t.payload().encode().expose()));

  const Bytes e3 = t.e3(content.statement);
  const Receipt receipt = Receipt::decode(e3).value();
  EXPECT_EQ(receipt.encode(), e3);
  const OpenedReceipt opened =
      open_receipt(receipt, statement_hash, t.receipt_key, t.kda_key.public_key(), t.kem_key)
          .value();
  EXPECT_TRUE(opened.mac_valid);
  EXPECT_TRUE(opened.signature_valid);
  EXPECT_EQ(opened.kda_counter, 9U);
}

class DamageTest : public ::testing::Test {
 protected:
  TestDelivery t_;
  Bytes e1_ = t_.e1();
  crypto::Digest256 statement_hash_ = crypto::sha256(e1_);
};

TEST_F(DamageTest, NoFlippedBitOfARequestVerifies) {
  EXPECT_EQ(accepted(test::bit_flips(t_.e0()),
                     [&](const Bytes& octets) {
                       const auto request = EnrolmentRequest::decode(octets);
                       return request && verify_request(*request, t_.provider_key.public_key());
                     }),
            Names());
}

TEST_F(DamageTest, NoFlippedBitOfAStatementVerifies) {
  EXPECT_EQ(accepted(test::bit_flips(e1_),
                     [&](const Bytes& octets) {
                       const auto statement = EnrolmentStatement::decode(octets);
                       return statement && verify_statement(*statement, t_.kda_key.public_key());
                     }),
            Names());
}

TEST_F(DamageTest, NoFlippedBitOfAnAnswerOpens) {
  EXPECT_EQ(accepted(test::bit_flips(t_.e4()),
                     [&](const Bytes& octets) {
                       const auto answer = EnrolmentAnswer::decode(octets);
                       return answer && open_answer(*answer, t_.kem_key);
                     }),
            Names());
}

TEST_F(DamageTest, NoFlippedBitOfAnEnvelopeVerifies) {
  EXPECT_EQ(accepted(test::bit_flips(t_.e2(e1_)),
                     [&](const Bytes& octets) {
                       const auto envelope = Envelope::decode(octets);
                       return envelope && verify_envelope(*envelope, statement_hash_,
                                                          t_.provider_key.public_key());
                     }),
            Names());
}

// Even under a signature that holds, which only the service provider could make.
TEST_F(DamageTest, NoFlippedBitOfHeaderOrSealedPartOpens) {
  const Envelope envelope = Envelope::decode(t_.e2(e1_)).value();
  EXPECT_EQ(
      accepted(test::bit_flips(tlv::encode(
                   0xE2, tlv::TlvWriter().raw(envelope.header).raw(envelope.sealed_tlv()).view())),
               [&](const Bytes& octets) {
                 Bytes e2 = octets;
                 const auto inner = tlv::read_single(octets, 0xE2);
                 if (!inner) {
                   return false;
                 }
                 e2 = tlv::encode(
                     0xE2, tlv::TlvWriter().raw(inner->value).put(0x9E, envelope.signature).view());
                 const auto changed = Envelope::decode(e2);
                 if (!changed) {
                   return false;
                 }
                 const auto payload = open_delivery(*changed, statement_hash_, t_.enrolment_key);
                 EXPECT_TRUE(payload || payload.error().code == Errc::kAuthentication);
                 return payload.has_value();
               }),
      Names());
}

TEST_F(DamageTest, NoFlippedBitOfAReceiptIsBelieved) {
  EXPECT_EQ(accepted(test::bit_flips(t_.e3(e1_)),
                     [&](const Bytes& octets) {
                       const auto receipt = Receipt::decode(octets);
                       if (!receipt) {
                         return false;
                       }
                       const auto opened = open_receipt(*receipt, statement_hash_, t_.receipt_key,
                                                        t_.kda_key.public_key(), t_.kem_key);
                       return opened && opened->mac_valid && opened->signature_valid;
                     }),
            Names());
}

class WrongPartTest : public DamageTest {
 protected:
  Errc open_code(ByteView hash, const crypto::EcPrivateKey& key) {
    const auto payload = open_delivery(Envelope::decode(t_.e2(e1_)).value(), hash, key);
    KB_CHECK(!payload.has_value());
    return payload.error().code;
  }
  crypto::EcPrivateKey other_key_ = crypto::EcPrivateKey::generate(t_.rng).value();
  crypto::Digest256 other_hash_ = crypto::sha256(ascii("another statement"));
};

TEST_F(WrongPartTest, EnvelopeOpensUnderItsKeyAndStatementOnly) {
  EXPECT_EQ(open_code(statement_hash_, other_key_), Errc::kAuthentication);
  EXPECT_EQ(open_code(other_hash_, t_.enrolment_key), Errc::kAuthentication);
  EXPECT_EQ(open_code(ByteView(), t_.enrolment_key), Errc::kAuthentication);
}

TEST_F(WrongPartTest, EnvelopeVerifiesForItsProviderAndStatementOnly) {
  const Envelope envelope = Envelope::decode(t_.e2(e1_)).value();
  EXPECT_TRUE(verify_envelope(envelope, statement_hash_, t_.provider_key.public_key()));
  EXPECT_FALSE(verify_envelope(envelope, statement_hash_, other_key_.public_key()));
  EXPECT_FALSE(verify_envelope(envelope, other_hash_, t_.provider_key.public_key()));
}

TEST_F(WrongPartTest, EveryHeaderFieldIsBoundToTheSealedPart) {
  const Envelope envelope = Envelope::decode(t_.e2(e1_)).value();
  const auto code = [&](auto change) {
    EnvelopeHeader header = t_.header();
    change(header);
    Envelope changed = envelope;
    changed.header = header.encode();
    const auto payload = open_delivery(changed, statement_hash_, t_.enrolment_key);
    return payload ? Errc::kNotFound : payload.error().code;
  };
  EXPECT_EQ(code([](auto&) {}), Errc::kNotFound);  // unchanged: it opens
  EXPECT_EQ(code([](auto& h) { h.suite = 0x02; }), Errc::kAuthentication);
  EXPECT_EQ(code([](auto& h) { h.spid.octets[0] ^= 1; }), Errc::kAuthentication);
  EXPECT_EQ(code([](auto& h) { h.handle.octets[15] ^= 1; }), Errc::kAuthentication);
  EXPECT_EQ(code([](auto& h) { h.level = 0x02; }), Errc::kAuthentication);
  EXPECT_EQ(code([](auto& h) { h.level = 0x03; }), Errc::kAuthentication);
  EXPECT_EQ(code([](auto& h) { h.key_version_number = 0x31; }), Errc::kAuthentication);
  EXPECT_EQ(code([](auto& h) { h.required_i_mask = 0x00; }), Errc::kAuthentication);
  EXPECT_EQ(code([](auto& h) { ++h.seq; }), Errc::kAuthentication);
  EXPECT_EQ(code([](auto& h) { ++h.issued_at; }), Errc::kAuthentication);
  EXPECT_EQ(code([](auto& h) { ++h.not_after; }), Errc::kAuthentication);
  EXPECT_EQ(code([](auto& h) { h.next_nonce_a.emplace(); }), Errc::kAuthentication);
}

// A point off the curve, in every message that carries an ephemeral key: as any other failure.
TEST_F(WrongPartTest, PointsOffTheCurveFailAsAnyOtherDamage) {
  Envelope envelope = Envelope::decode(t_.e2(e1_)).value();
  envelope.ephemeral_key[64] ^= 1;
  EXPECT_EQ(open_delivery(envelope, statement_hash_, t_.enrolment_key).error().code,
            Errc::kAuthentication);
  EnrolmentAnswer answer = EnrolmentAnswer::decode(t_.e4()).value();
  answer.ephemeral_key[64] ^= 1;
  EXPECT_EQ(open_answer(answer, t_.kem_key).error().code, Errc::kAuthentication);
  Receipt receipt = Receipt::decode(t_.e3(e1_)).value();
  receipt.seal.ephemeral_key[64] ^= 1;
  EXPECT_EQ(
      open_receipt(receipt, statement_hash_, t_.receipt_key, t_.kda_key.public_key(), t_.kem_key)
          .error()
          .code,
      Errc::kAuthentication);
}

TEST_F(WrongPartTest, AnswerOpensUnderItsKeyAndHandleOnly) {
  EnrolmentAnswer answer = EnrolmentAnswer::decode(t_.e4()).value();
  EXPECT_TRUE(open_answer(answer, t_.kem_key).has_value());
  EXPECT_EQ(open_answer(answer, other_key_).error().code, Errc::kAuthentication);
  answer.handle.octets[0] ^= 1;
  EXPECT_EQ(open_answer(answer, t_.kem_key).error().code, Errc::kAuthentication);
  answer.handle.octets[0] ^= 1;
  answer.nonce_a.octets[0] ^= 1;
  EXPECT_EQ(open_answer(answer, t_.kem_key).error().code, Errc::kAuthentication);
}

TEST_F(WrongPartTest, SignaturesVerifyUnderTheirKeyOnly) {
  const auto request = EnrolmentRequest::decode(t_.e0()).value();
  EXPECT_FALSE(verify_request(request, other_key_.public_key()));
  const auto statement = EnrolmentStatement::decode(e1_).value();
  EXPECT_FALSE(verify_statement(statement, other_key_.public_key()));
}

TEST_F(WrongPartTest, ReceiptsMacAndSignatureAreJudgedApart) {
  const Receipt receipt = Receipt::decode(t_.e3(e1_)).value();
  const auto open = [&](ByteView hash, const SecretArray<16>& key, const auto& kda) {
    return open_receipt(receipt, hash, key, kda.public_key(), t_.kem_key).value();
  };
  const SecretArray<16> other_receipt_key;
  EXPECT_FALSE(open(statement_hash_, other_receipt_key, t_.kda_key).mac_valid);
  EXPECT_TRUE(open(statement_hash_, other_receipt_key, t_.kda_key).signature_valid);
  EXPECT_TRUE(open(statement_hash_, t_.receipt_key, other_key_).mac_valid);
  EXPECT_FALSE(open(statement_hash_, t_.receipt_key, other_key_).signature_valid);
  EXPECT_FALSE(open(other_hash_, t_.receipt_key, t_.kda_key).mac_valid);
  EXPECT_FALSE(open(other_hash_, t_.receipt_key, t_.kda_key).signature_valid);
  EXPECT_EQ(
      open_receipt(receipt, statement_hash_, t_.receipt_key, t_.kda_key.public_key(), other_key_)
          .error()
          .code,
      Errc::kAuthentication);
}

// A signature in the clear would tell everybody who has PK.KDA.SIG which element it was.
TEST_F(WrongPartTest, NobodyFindsTheSignatureInAReceiptByThePublicKey) {
  const Bytes e3 = t_.e3(e1_);
  const Receipt receipt = Receipt::decode(e3).value();
  const Bytes mac_tlv = receipt.mac_tlv();
  const auto opened =
      open_receipt(receipt, statement_hash_, t_.receipt_key, t_.kda_key.public_key(), t_.kem_key);
  ASSERT_TRUE(opened->signature_valid);
  const Bytes counter_tlv =
      ReceiptSignature{.counter = opened->kda_counter, .signature = {}}.counter_tlv();
  const Bytes body = receipt.body();
  const std::initializer_list<ByteView> what = {ascii(kLabelReceiptSignature), body, mac_tlv,
                                                counter_tlv, statement_hash_};
  const auto finds = [&](ByteView octets) {
    for (std::size_t at = 0; at < octets.size(); ++at) {
      for (std::size_t size = 8; size <= 72 && at + size <= octets.size(); ++size) {
        if (octets[at] == 0x30 &&
            crypto::ecdsa_verify_der(t_.kda_key.public_key(), what, octets.subspan(at, size))) {
          return true;
        }
      }
    }
    return false;
  };
  EXPECT_FALSE(finds(e3));
  Bytes in_clear = e3;
  append(in_clear, crypto::ecdsa_sign_der(t_.kda_key, what, t_.rng).value());
  EXPECT_TRUE(finds(in_clear));
}

TEST_F(WrongPartTest, ReceiptOfAnEnvelopeThatDidNotOpenIsSignedButHasNoMac) {
  Receipt receipt = t_.receipt();
  receipt.results = {ActionResult::kRefusedBeforeOpening};
  const Bytes e3 = seal_receipt(receipt, statement_hash_, nullptr, 10, t_.kda_key,
                                t_.kem_key.public_key(), t_.rng)
                       .value();
  const Receipt read = Receipt::decode(e3).value();
  EXPECT_FALSE(read.mac.has_value());
  const OpenedReceipt opened =
      open_receipt(read, statement_hash_, t_.receipt_key, t_.kda_key.public_key(), t_.kem_key)
          .value();
  EXPECT_FALSE(opened.mac_valid);
  EXPECT_TRUE(opened.signature_valid);
  // A receipt with a MAC does not pass for one without, nor the other way round.
  Receipt stripped = Receipt::decode(t_.e3(e1_)).value();
  stripped.mac.reset();
  EXPECT_EQ(
      open_receipt(stripped, statement_hash_, t_.receipt_key, t_.kda_key.public_key(), t_.kem_key)
          .error()
          .code,
      Errc::kAuthentication);
}

TEST_F(WrongPartTest, ReceiptCarriesTheNextEnrolment) {
  Receipt receipt = t_.receipt();
  receipt.next_enrolment = t_.e4();
  const Bytes e3 = seal_receipt(receipt, statement_hash_, &t_.receipt_key, 9, t_.kda_key,
                                t_.kem_key.public_key(), t_.rng)
                       .value();
  const Receipt read = Receipt::decode(e3).value();
  ASSERT_TRUE(read.next_enrolment.has_value());
  EXPECT_TRUE(open_answer(EnrolmentAnswer::decode(*read.next_enrolment).value(), t_.kem_key));
  EXPECT_TRUE(
      open_receipt(read, statement_hash_, t_.receipt_key, t_.kda_key.public_key(), t_.kem_key)
          ->mac_valid);
}

class MisuseTest : public WrongPartTest {
 protected:
  Errc seal_code(const EnvelopeHeader& header, const Payload& payload, ByteView e1) {
    const auto sealed =
        seal_delivery(header, payload, e1, t_.enrolment_key.public_key(), t_.provider_key, t_.rng);
    KB_CHECK(!sealed.has_value());
    return sealed.error().code;
  }
};

TEST_F(MisuseTest, SealingRefusesAnEnvelopeThatItsKdaCouldNotTake) {
  const auto code = [&](auto change) {
    EnvelopeHeader header = t_.header();
    change(header);
    return seal_code(header, t_.payload(), e1_);
  };
  EXPECT_EQ(code([](auto& h) { h.handle.octets[0] ^= 1; }), Errc::kInvalidArgument);
  EXPECT_EQ(code([](auto& h) { h.spid.octets[0] ^= 1; }), Errc::kInvalidArgument);
  EXPECT_EQ(code([](auto& h) { h.seq = 6; }), Errc::kInvalidArgument);  // committed already
  EXPECT_EQ(code([](auto& h) { h.seq = 0; }), Errc::kValue);
  EXPECT_EQ(code([](auto& h) { h.suite = 0x02; }), Errc::kInvalidArgument);  // the statement's
  EXPECT_EQ(code([](auto& h) { h.suite = 0x03; }), Errc::kNotSupported);
  EXPECT_EQ(code([](auto& h) { h.level = 0x02; }), Errc::kValue);  // KID 11 and no mask
  EXPECT_EQ(code([](auto& h) {
              h.level = 0x02;
              h.key_identifier = 0x11;
              h.required_i_mask = 0x00;
            }),
            Errc::kValue);  // with channel keys in the payload
  EXPECT_EQ(code([](auto& h) { h.level = 0x04; }), Errc::kValue);  // KID 11, and suite 01
  EXPECT_EQ(code([](auto& h) { h.level = 0x00; }), Errc::kNotSupported);
  EXPECT_EQ(code([](auto& h) { h.key_version_number = 0x31; }), Errc::kValue);
  EXPECT_EQ(seal_code(t_.header(), t_.payload(), ByteView(e1_).first(40)), Errc::kTruncated);
  EnrolmentStatement other_level = t_.statement();
  other_level.level_bitmap = 0x04;
  const Bytes other = sign_statement(other_level, t_.kda_key, t_.rng).value();
  EXPECT_EQ(seal_code(t_.header(), t_.payload(), other), Errc::kInvalidArgument);
  EnvelopeHeader exclusive = t_.header();
  exclusive.level = 0x03;
  EXPECT_TRUE(seal_delivery(exclusive, t_.payload(), other, t_.enrolment_key.public_key(),
                            t_.provider_key, t_.rng));
  EXPECT_EQ(seal_delivery(t_.header(), t_.payload(), e1_, other_key_.public_key(), t_.provider_key,
                          t_.rng)
                .error()
                .code,
            Errc::kInvalidArgument);
}

TEST_F(MisuseTest, SealingRefusesPayloadsOutsideTheirLimits) {
  Payload payload = t_.payload();
  payload.channel_keys.reset();
  EXPECT_EQ(seal_code(t_.header(), payload, e1_), Errc::kValue);
  payload = t_.payload();
  payload.actions.clear();
  EXPECT_EQ(seal_code(t_.header(), payload, e1_), Errc::kLimit);
  // A command whose answer would cross the relay in the clear.
  payload = t_.payload();
  payload.actions.emplace_back(
      CommandAction{.header = {0x80, 0x52, 0x01, 0x00}, .data = SecretBytes(16), .probe = {}});
  EnvelopeHeader without_renc = t_.header();
  without_renc.required_i_mask = 0x20;
  EXPECT_EQ(seal_code(without_renc, payload, e1_), Errc::kPolicy);
  EXPECT_TRUE(seal_delivery(t_.header(), payload, e1_, t_.enrolment_key.public_key(),
                            t_.provider_key, t_.rng));
  // STORE DATA of 640 octets fits one envelope of suite 01, of 660 it does not.
  const auto store = [&](std::size_t size) {
    Payload out = t_.payload();
    out.actions.clear();
    SecretBytes data(size);  // DGI 0000, FF, length, zeros
    data.expose_mutable()[2] = 0xFF;
    data.expose_mutable()[3] = static_cast<std::uint8_t>((size - 5) >> 8U);
    data.expose_mutable()[4] = static_cast<std::uint8_t>((size - 5) & 0xFFU);
    out.actions.emplace_back(StoreDataAction{.application = std::nullopt,
                                             .under_key_dek = false,
                                             .data = std::move(data),
                                             .probe = std::nullopt});
    return out;
  };
  EXPECT_EQ(seal_code(t_.header(), store(660), e1_), Errc::kLimit);
  const Bytes e2 = seal_delivery(t_.header(), store(640), e1_, t_.enrolment_key.public_key(),
                                 t_.provider_key, t_.rng)
                       .value();
  EXPECT_TRUE(open_delivery(Envelope::decode(e2).value(), statement_hash_, t_.enrolment_key));
}

TEST_F(MisuseTest, ReceiptsThatContradictThemselvesAreNotMade) {
  const auto code = [&](std::vector<ActionResult> results, const SecretArray<16>* key) {
    Receipt receipt = t_.receipt();
    receipt.results = std::move(results);
    return seal_receipt(receipt, statement_hash_, key, 1, t_.kda_key, t_.kem_key.public_key(),
                        t_.rng)
        .error()
        .code;
  };
  EXPECT_EQ(code({}, &t_.receipt_key), Errc::kLength);
  EXPECT_EQ(code({ActionResult::kInstalled}, nullptr), Errc::kValue);
  EXPECT_EQ(code({ActionResult::kRefusedBeforeOpening}, &t_.receipt_key), Errc::kValue);
}

TEST_F(MisuseTest, RequestsAndStatementsWithoutTheirNamesAreNotSigned) {
  EnrolmentRequest request = t_.request();
  request.target.reset();
  EXPECT_EQ(sign_request(request, t_.provider_key, t_.rng).error().code, Errc::kInvalidArgument);
  request = t_.request();
  request.certificate = {0x7F, 0x21, 0x00};
  EXPECT_EQ(sign_request(request, t_.provider_key, t_.rng).error().code, Errc::kLength);
  EnrolmentStatement statement = t_.statement();
  statement.kda.reset();
  EXPECT_EQ(sign_statement(statement, t_.kda_key, t_.rng).error().code, Errc::kInvalidArgument);
  statement = t_.statement();
  statement.enrolment_key.pop_back();
  EXPECT_EQ(sign_statement(statement, t_.kda_key, t_.rng).error().code, Errc::kLength);
}

// Nothing is sealed under randomness that did not come.
TEST_F(MisuseTest, FailureOfTheRandomSourceIsReported) {
  std::uint64_t failing_call = 1;
  for (bool failed = true; failed; ++failing_call) {
    test::FailingRng rng("failing", failing_call);
    const auto sealed = seal_delivery(t_.header(), t_.payload(), e1_, t_.enrolment_key.public_key(),
                                      t_.provider_key, rng);
    failed = rng.has_failed();
    EXPECT_EQ(sealed.has_value(), !failed);
    EXPECT_TRUE(sealed || sealed.error().code == Errc::kCrypto);
  }
  EXPECT_GT(failing_call, 3U);  // a key and a signature draw once each, at least
}

}  // namespace
}  // namespace kagibin::envelope
