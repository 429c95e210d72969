// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/confidential/authority_signature.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "kagibin/tlv/ber_tlv.h"

#include "tests/support/fixed_rng.h"
#include "tests/support/mutations.h"

namespace kagibin::gp {
namespace {

using crypto::CurvePrivateKey;

class AuthoritySignatureTest : public ::testing::Test {
 protected:
  static Aid aid(std::string_view text) { return Aid::from_hex(text).value(); }

  test::FixedRng rng_{"statements"};
  CurvePrivateKey key_ = CurvePrivateKey::generate(crypto::Curve::kP256, rng_).value();
  Bytes challenge_ = Bytes(16, 0xC4);
  ApplicationStatement statement_{.application = aid("F0000000020101"),
                                  .load_file = aid("F000000002"),
                                  .code_hash = crypto::Digest256{0xC0, 0xDE},
                                  .security_domain = aid("A000000151000000")};
};

TEST_F(AuthoritySignatureTest, AStatementSaysWhatWasSignedAndToWhom) {
  const auto octets = sign_statement(statement_, challenge_, key_, rng_);
  ASSERT_TRUE(octets.has_value());
  EXPECT_EQ(verify_statement(*octets, key_.public_key(), challenge_), statement_);
  EXPECT_EQ(verify_statement(*octets, key_.public_key(), Bytes(16, 0xC5)).error().code,
            Errc::kAuthentication);
  const auto other = CurvePrivateKey::generate(crypto::Curve::kP256, rng_).value();
  EXPECT_EQ(verify_statement(*octets, other.public_key(), challenge_).error().code,
            Errc::kAuthentication);
}

TEST_F(AuthoritySignatureTest, EveryDamagedStatementIsRefused) {
  const Bytes octets = sign_statement(statement_, challenge_, key_, rng_).value();
  const auto believed = [&](const Bytes& damaged) {
    return damaged != octets && verify_statement(damaged, key_.public_key(), challenge_);
  };
  EXPECT_EQ(test::accepted(test::bit_flips(octets), believed), test::Names{});
  EXPECT_EQ(test::accepted(test::truncations(octets), believed), test::Names{});
  EXPECT_EQ(test::accepted(test::tlv_mutations(octets, {}), believed), test::Names{});
}

TEST_F(AuthoritySignatureTest, WhatAnApplicationHadSignedDoesNotPassForAnAnswerToAHost) {
  const Bytes data(40, 0xDA);
  const Bytes octets = sign_data(statement_, data, key_, rng_).value();
  EXPECT_EQ(verify_data(octets, key_.public_key(), data), statement_);
  EXPECT_FALSE(verify_data(octets, key_.public_key(), Bytes(40, 0xDB)).has_value());
  // Not even when the host's challenge was the digest, and the tag is changed to fit.
  const crypto::Digest256 digest = crypto::sha256(data);
  EXPECT_FALSE(verify_statement(octets, key_.public_key(), digest).has_value());
  Bytes renamed = octets;
  const Bytes before = tlv::encode(0x84, digest);
  const auto found = std::ranges::search(renamed, before);
  ASSERT_FALSE(found.empty());
  *found.begin() = 0x9A;
  EXPECT_EQ(verify_statement(renamed, key_.public_key(), digest).error().code,
            Errc::kAuthentication);
}

TEST_F(AuthoritySignatureTest, AQueryNamesAnApplicationAndAChallenge) {
  const auto command = ask_statement(statement_.application, challenge_);
  ASSERT_TRUE(command.has_value());
  EXPECT_EQ(to_hex(command->encode()),
            "002A9E9A1B4F07F00000000201019A10C4C4C4C4C4C4C4C4C4C4C4C4C4C4C4C400");
  const auto query = StatementQuery::decode(command->data);
  ASSERT_TRUE(query.has_value());
  EXPECT_EQ(query->application, statement_.application);
  EXPECT_EQ(query->challenge, challenge_);
  EXPECT_EQ(
      test::accepted(test::truncations(command->data),
                     [](const Bytes& cut) { return StatementQuery::decode(cut).has_value(); }),
      test::Names{});
  EXPECT_FALSE(ask_statement(statement_.application, Bytes(7)).has_value());
  EXPECT_FALSE(ask_statement(statement_.application, Bytes(65)).has_value());
}

}  // namespace
}  // namespace kagibin::gp
