// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp11/key_generation.h"

#include <gtest/gtest.h>

#include "tests/support/fixed_rng.h"

namespace kagibin::scp {
namespace {

using crypto::Curve;

const Bytes kNonce(16, 0x5C);

Errc error_of(std::uint8_t p1, std::uint8_t p2, const char* hex) {
  return GenerateKey::decode(p1, p2, *from_hex(hex)).error().code;
}

TEST(GenerateKeyTest, RoundTripsWithAndWithoutAChallenge) {
  const GenerateKey plain{.key = {0x13, 0x03}, .replaced_version = 0x02, .curve = Curve::kP384};
  const apdu::CommandApdu command = plain.encode();
  EXPECT_EQ(to_hex(command.data), "03F00101");
  EXPECT_EQ(command.p1, 0x02);
  EXPECT_EQ(command.p2, 0x13);
  EXPECT_EQ(GenerateKey::decode(command.p1, command.p2, command.data).value(), plain);
  const GenerateKey proved{.key = {0x11, 0x01}, .challenge = kNonce};
  EXPECT_EQ(GenerateKey::decode(0, 0x11, proved.encode().data).value(), proved);
}

TEST(GenerateKeyTest, TheAnswerProvesThePrivateKeyForThisCommandAlone) {
  for (const Curve curve : {Curve::kP256, Curve::kP384}) {
    test::FixedRng rng("generate");
    const auto made = crypto::CurvePrivateKey::generate(curve, rng).value();
    const GenerateKey request{.key = {0x13, 0x03}, .curve = curve, .challenge = kNonce};
    const Bytes answer = request.answer(made, rng).value();
    EXPECT_EQ(request.verify_answer(answer).value(), made.public_key());
    GenerateKey another = request;
    another.challenge.back() ^= 1;
    EXPECT_EQ(another.verify_answer(answer).error().code, Errc::kAuthentication);
    another = request;
    another.key.version = 0x04;
    EXPECT_EQ(another.verify_answer(answer).error().code, Errc::kAuthentication);
    another = request;
    another.replaced_version = 0x02;
    EXPECT_EQ(another.verify_answer(answer).error().code, Errc::kAuthentication);
    for (std::size_t bit = 0; bit < answer.size() * 8; ++bit) {
      Bytes changed = answer;
      changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      EXPECT_FALSE(request.verify_answer(changed)) << bit;
    }
    for (std::size_t size = 0; size < answer.size(); ++size) {
      EXPECT_FALSE(request.verify_answer(ByteView(answer).first(size))) << size;
    }
  }
}

TEST(GenerateKeyTest, WithoutAChallengeThePointAloneIsTheAnswer) {
  test::FixedRng rng("generate");
  const auto made = crypto::CurvePrivateKey::generate(Curve::kP256, rng).value();
  const GenerateKey request{.key = {0x13, 0x03}};
  const Bytes answer = request.answer(made, rng).value();
  EXPECT_EQ(answer.size(), 67U);
  EXPECT_TRUE(request.verify_answer(answer));
  GenerateKey asked = request;
  asked.challenge = kNonce;
  EXPECT_EQ(asked.verify_answer(answer).error().code, Errc::kAuthentication);
}

TEST(GenerateKeyTest, WhatIsOutsideItsLimitsIsRefused) {
  EXPECT_EQ(error_of(0, 0x13, ""), Errc::kTruncated);
  EXPECT_EQ(error_of(0, 0x13, "00F00100"), Errc::kValue);
  EXPECT_EQ(error_of(0, 0x13, "80F00100"), Errc::kValue);
  EXPECT_EQ(error_of(0x80, 0x13, "01F00100"), Errc::kValue);
  EXPECT_EQ(error_of(0, 0x00, "01F00100"), Errc::kValue);
  EXPECT_EQ(error_of(0, 0x93, "01F00100"), Errc::kValue);
  EXPECT_EQ(error_of(0, 0x13, "01F00102"), Errc::kValue);
  EXPECT_EQ(error_of(0, 0x13, "01F0020000"), Errc::kLength);
  EXPECT_EQ(error_of(0, 0x13, "01B00100"), Errc::kUnexpectedTag);
  EXPECT_EQ(error_of(0, 0x13, "01F001009A0701020304050607"), Errc::kLength);
  EXPECT_EQ(error_of(0, 0x13, "01F001009E080102030405060708"), Errc::kTrailing);
}

}  // namespace
}  // namespace kagibin::scp
