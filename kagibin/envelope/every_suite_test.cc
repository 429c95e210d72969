// SPDX-License-Identifier: Apache-2.0
// One delivery in each suite that the libcrypto of this process can do.
#include <algorithm>

#include <gtest/gtest.h>

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/crypto/hpke/hpke.h"
#include "kagibin/crypto/hpke/ml_kem.h"
#include "kagibin/envelope/suite.h"
#include "kagibin/envelope/test_delivery.h"

#include "tests/support/mutations.h"

namespace kagibin::envelope {
namespace {

using test::Names;

class EverySuiteTest : public testing::TestWithParam<std::uint8_t> {
 protected:
  void SetUp() override {
    const auto here = suites_here();
    if (std::ranges::find(here, GetParam()) == here.end()) {
      GTEST_SKIP() << "suite " << to_hex(std::array{GetParam()})
                   << " is NOT tested here: libcrypto " << crypto::library_version()
                   << " has no ML-KEM-768 (scripts/openssl35)";
    }
    t_.in_suite(GetParam());
    e1_ = t_.e1();
    hash_ = crypto::sha256(e1_);
    e2_ = t_.e2(e1_);
  }
  bool opens(const Envelope& envelope) const {
    return open_delivery(envelope, hash_, t_.own_key()).has_value();
  }
  SuiteInfo info() const { return suite_info(GetParam()).value(); }

  TestDelivery t_;
  Bytes e1_;
  crypto::Digest256 hash_{};
  Bytes e2_;
};

TEST_P(EverySuiteTest, GoesFromTheRequestToTheReceipt) {
  const Bytes e0 = t_.e0();
  EXPECT_EQ(EnrolmentRequest::decode(e0)->suite, GetParam());
  const EnrolmentAnswer answer = EnrolmentAnswer::decode(t_.e4()).value();
  EXPECT_EQ(answer.suite, answer_suite(GetParam()));
  const AnswerContent content = open_answer(answer, t_.kem_key).value();
  const EnrolmentStatement statement = EnrolmentStatement::decode(content.statement).value();
  EXPECT_EQ(statement.suite, GetParam());
  EXPECT_EQ(statement.enrolment_key.size(), info().enrolment_key_size);
  EXPECT_EQ(statement.encode(), content.statement);

  const Envelope envelope = Envelope::decode(e2_).value();
  EXPECT_EQ(envelope.encode(), e2_);
  EXPECT_EQ(envelope.ephemeral_key.size(), info().encapsulated_size);
  EXPECT_EQ(envelope.mac.has_value(), !info().is_hpke());
  EXPECT_TRUE(verify_envelope(envelope, hash_, t_.provider_key.public_key()));
  const Payload payload = open_delivery(envelope, hash_, t_.own_key()).value();
  EXPECT_TRUE(ct_equal(payload.encode().expose(), t_.payload().encode().expose()));

  const Receipt receipt = Receipt::decode(t_.e3(e1_)).value();
  EXPECT_EQ(receipt.suite, GetParam());
  const OpenedReceipt opened =
      open_receipt(receipt, hash_, t_.receipt_key, t_.kda_key.public_key(), t_.kem_key).value();
  EXPECT_TRUE(opened.mac_valid);
  EXPECT_TRUE(opened.signature_valid);
}

TEST_P(EverySuiteTest, OpensForItsStatementAndItsKeyAlone) {
  const Envelope envelope = Envelope::decode(e2_).value();
  EXPECT_TRUE(opens(envelope));
  crypto::Digest256 other = hash_;
  other[31] ^= 1U;
  EXPECT_EQ(open_delivery(envelope, other, t_.own_key()).error().code, Errc::kAuthentication);
  t_.in_suite(GetParam());  // another key of the same KEM
  EXPECT_EQ(open_delivery(envelope, hash_, t_.own_key()).error().code, Errc::kAuthentication);
}

// protocol, 1, finding 7: the suite cannot be changed on the way, in either direction
TEST_P(EverySuiteTest, OpensInItsOwnSuiteAlone) {
  for (const std::uint8_t other : suites_here()) {
    Envelope envelope = Envelope::decode(e2_).value();
    EnvelopeHeader header = EnvelopeHeader::decode(envelope.header).value();
    header.suite = other;
    envelope.header = header.encode();
    EXPECT_EQ(opens(envelope), other == GetParam()) << int{other};
    if (other != GetParam()) {
      EXPECT_FALSE(verify_envelope(envelope, hash_, t_.provider_key.public_key()));
    }
  }
}

TEST_P(EverySuiteTest, IsNotSealedForAStatementOrAKeyOfAnotherSuite) {
  for (const std::uint8_t other : suites_here()) {
    TestDelivery elsewhere;
    elsewhere.in_suite(other);
    elsewhere.in_suite(other);  // not the key that the same draws gave here
    if (other != GetParam()) {
      EXPECT_EQ(seal_delivery(t_.header(), t_.payload(), elsewhere.e1(),
                              elsewhere.own_key().public_key(), t_.provider_key, t_.rng)
                    .error()
                    .code,
                Errc::kInvalidArgument);
    }
    EXPECT_EQ(seal_delivery(t_.header(), t_.payload(), e1_, elsewhere.own_key().public_key(),
                            t_.provider_key, t_.rng)
                  .error()
                  .code,
              Errc::kInvalidArgument);
  }
}

TEST_P(EverySuiteTest, NoFlippedBitOfTheSealedPartOpens) {
  const Envelope good = Envelope::decode(e2_).value();
  const auto flipped = [&](Bytes Envelope::* part, std::size_t bit) {
    Envelope envelope = good;
    (envelope.*part)[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    return opens(envelope);
  };
  const std::size_t step = info().encapsulated_size > 100 ? 61 : 1;  // ML-KEM takes its time
  for (std::size_t bit = 0; bit < good.ephemeral_key.size() * 8; bit += step) {
    // RFC 7748, 5: the last bit of a public value of X25519 is not looked at, but HPKE binds it.
    EXPECT_FALSE(flipped(&Envelope::ephemeral_key, bit)) << bit;
  }
  for (std::size_t bit = 0; bit < good.sealed.size() * 8; bit += 7) {
    EXPECT_FALSE(flipped(&Envelope::sealed, bit)) << bit;
  }
}

TEST_P(EverySuiteTest, IsReadInOneForm) {
  EXPECT_EQ(
      test::accepted(test::truncations(e2_),
                     [](const Bytes& octets) { return Envelope::decode(octets).has_value(); }),
      Names());
  Envelope envelope = Envelope::decode(e2_).value();
  envelope.signature = Bytes(70, 0x30);
  const Bytes e2 = envelope.encode();
  const auto reads = [](const Bytes& octets) { return Envelope::decode(octets).has_value(); };
  EXPECT_EQ(test::accepted(test::tlv_mutations(e2, {0}), reads), Names());
  const Names lengths =
      info().is_hpke() ? Names{"shorter 81", "longer 81"} : Names();  // the tag tells them apart
  EXPECT_EQ(test::accepted(test::tlv_mutations(e2, {1}), reads), lengths);
  // The form of the other kind of suite.
  if (envelope.mac) {
    envelope.mac.reset();
  } else {
    envelope.mac.emplace();
  }
  EXPECT_FALSE(reads(envelope.encode()));
}

TEST_P(EverySuiteTest, TheLargestEnvelopeFitsTheReassemblyWithItsHandle) {
  Envelope envelope = Envelope::decode(e2_).value();
  EnvelopeHeader header = t_.header();
  header.next_nonce_a = t_.request().nonce_a;
  envelope.header = header.encode();
  envelope.signature = Bytes(kSignatureMaxSize, 0x30);
  const auto whole = [&] { return envelope.encode().size() + tlv::encoded_size(0x83, 16); };
  envelope.sealed = Bytes(info().sealed_max_size_bytes(), 0x5A);
  EXPECT_TRUE(Envelope::decode(envelope.encode()).has_value());
  EXPECT_LE(whole(), info().reassembly_size_bytes);
  envelope.sealed.resize(envelope.sealed.size() + (info().is_hpke() ? 1 : 16));
  EXPECT_EQ(Envelope::decode(envelope.encode()).error().code, Errc::kLength);
}

TEST_P(EverySuiteTest, AStatementHasAKeyOfItsSuitesLength) {
  EnrolmentStatement statement = EnrolmentStatement::decode(e1_).value();
  statement.enrolment_key.pop_back();
  EXPECT_FALSE(EnrolmentStatement::decode(statement.encode()).has_value());
  statement.enrolment_key.resize(statement.enrolment_key.size() + 2);
  EXPECT_FALSE(EnrolmentStatement::decode(statement.encode()).has_value());
}

// Opened by HPKE alone, with info and aad as this protocol says.
TEST_P(EverySuiteTest, IsHpkeUnderKb1HpkeWithHeaderAndStatement) {
  if (!info().is_hpke()) {
    return;
  }
  const Envelope envelope = Envelope::decode(e2_).value();
  Bytes aad = envelope.header;
  append(aad, hash_);
  const crypto::HpkeSealed sealed{.enc = envelope.ephemeral_key, .ciphertext = envelope.sealed};
  const auto opened = crypto::hpke_open(crypto::HpkeAead{info().hpke_aead}, t_.own_key(),
                                        {.info = ascii("KB1-HPKE"), .aad = aad}, sealed);
  ASSERT_TRUE(opened.has_value());
  EXPECT_TRUE(ct_equal(opened->expose(), t_.payload().encode().expose()));
}

INSTANTIATE_TEST_SUITE_P(Suites,
                         EverySuiteTest,
                         testing::Values(0x01, 0x02, 0x10, 0x11, 0x20, 0x21),
                         [](const auto& tested) { return to_hex(std::array{tested.param}); });

TEST(AnswerSuiteTest, AnAnswerIsInSuite01Or02) {
  TestDelivery t;
  EnrolmentAnswer answer = EnrolmentAnswer::decode(t.e4()).value();
  for (unsigned suite = 0; suite <= 0xFF; ++suite) {
    answer.suite = static_cast<std::uint8_t>(suite);
    EXPECT_EQ(EnrolmentAnswer::decode(answer.encode()).has_value(), suite == 1 || suite == 2);
  }
}

}  // namespace
}  // namespace kagibin::envelope
