// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "kagibin/crypto/ec/ecdh.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/gp/confidential/provider_setup.h"
#include "kagibin/tlv/ber_tlv.h"

#include "tests/support/fixed_rng.h"
#include "tests/support/mutations.h"
#include "tests/support/vector_file.h"

namespace kagibin::gp {
namespace {

using crypto::Curve;
using crypto::CurvePrivateKey;
using test::for_each_vector;
using test::VectorCase;

CurvePrivateKey key_of(const Bytes& scalar) {
  return CurvePrivateKey::from_scalar(Curve::kP256, scalar).value();
}

TEST(ConfidentialSetupTest, BothEndsDeriveTheKeysThatAnotherImplementationDerives) {
  for_each_vector("kagibin/gp/confidential/testdata/scenario3.vec", [](VectorCase& vector) {
    const CurvePrivateKey ephemeral = key_of(vector.octets("EphemeralKey"));
    const CurvePrivateKey casd = key_of(vector.octets("CasdKey"));
    const Bytes octets = vector.octets("Reference");
    const auto reference = SetupReference::decode(octets);
    ASSERT_TRUE(reference.has_value());
    EXPECT_EQ(reference->encode(), octets);
    const Bytes random = vector.octets("Random");
    const CardIdentity card{.iin = vector.octets("Iin"), .cin = vector.octets("Cin")};
    const Bytes receipt_key = vector.octets("ReceiptKey");
    const Bytes enc = vector.octets("Enc");
    const Bytes mac = vector.octets("Mac");
    const Bytes dek = vector.octets("Dek");
    const Bytes receipt = vector.octets("Receipt");
    for (const bool of_card : {false, true}) {
      const auto shared = of_card ? crypto::ecdh(casd, ephemeral.public_key())
                                  : crypto::ecdh(ephemeral, casd.public_key());
      const auto keys = derive_key_set(*shared, *reference, random, card);
      ASSERT_TRUE(keys.has_value());
      EXPECT_TRUE(ct_equal(keys->receipt_key.expose(), receipt_key));
      EXPECT_TRUE(ct_equal(keys->enc.expose(), enc));
      EXPECT_TRUE(ct_equal(keys->mac.expose(), mac));
      EXPECT_TRUE(ct_equal(keys->dek.expose(), dek));
      EXPECT_TRUE(equal(*setup_receipt(*keys, octets, random), receipt));
    }
  });
}

TEST(ConfidentialSetupTest, RefusesReferencesThatAreNone) {
  for_each_vector("kagibin/gp/confidential/testdata/scenario3_invalid.vec", [](VectorCase& vector) {
    EXPECT_FALSE(SetupReference::decode(vector.octets("Reference")).has_value())
        << vector.section();
  });
}

TEST(ConfidentialSetupTest, APublishedSignatureCoversReferenceKeyAndChallenge) {
  for_each_vector("kagibin/gp/confidential/testdata/signed_request.vec", [](VectorCase& vector) {
    const Bytes data = vector.octets("Data");
    const auto challenge = to_array<16>(vector.octets("Challenge"));
    const auto key = crypto::EcPublicKey::from_point(vector.octets("SigningKey")).value();
    const auto request = SetupRequest::decode(data);
    ASSERT_TRUE(request.has_value());
    EXPECT_TRUE(request->signed_reference);
    const auto reference = SetupReference::decode(request->reference);
    ASSERT_TRUE(reference.has_value());
    EXPECT_EQ(reference->key_version, 0x02);
    EXPECT_TRUE(reference->certified);
    EXPECT_TRUE(crypto::ecdsa_verify_raw(
        key, {setup_signed_data(request->signed_octets, *challenge)}, request->signature));
    SetupChallenge other = *challenge;
    other[0] ^= 1;
    EXPECT_FALSE(crypto::ecdsa_verify_raw(key, {setup_signed_data(request->signed_octets, other)},
                                          request->signature));

    // What the provider's end makes of the same parts is the same block.
    const Bytes covered = encode_signed_octets(request->reference, request->ephemeral_point);
    const apdu::CommandApdu made = ask_signed(covered, request->signature);
    EXPECT_EQ(made.data, data);
    EXPECT_EQ(made.p1, 0x89);
    EXPECT_EQ(made.p2, 0x01);
  });
}

TEST(ConfidentialSetupTest, RefusesBlocksThatAreNone) {
  for_each_vector(
      "kagibin/gp/confidential/testdata/signed_request_invalid.vec", [](VectorCase& vector) {
        EXPECT_FALSE(SetupRequest::decode(vector.octets("Data")).has_value()) << vector.section();
      });
}

TEST(ConfidentialSetupTest, DecodersTakeOneEncodingAndRefuseEveryDamagedOne) {
  const SetupReference whole{.deletes_existing = true,
                             .with_random = true,
                             .with_identities = true,
                             .certified = true,
                             .access = 0x01,
                             .names_identifier = true,
                             .key_version = 0x31,
                             .counter = Bytes(3),
                             .cin = {0x49, 0x49},
                             .host_id = {0x01}};
  const Bytes octets = whole.encode();
  EXPECT_EQ(SetupReference::decode(octets), whole);
  const auto round_trip = [](const Bytes& damaged) {
    const auto read = SetupReference::decode(damaged);
    return read.has_value() && read->encode() != damaged;
  };
  EXPECT_EQ(test::accepted(test::bit_flips(octets), round_trip), test::Names{});
  EXPECT_EQ(
      test::accepted(test::truncations(octets),
                     [](const Bytes& cut) { return SetupReference::decode(cut).has_value(); }),
      test::Names{});

  const SetupAnswer answer{.random = Bytes(16, 0x5A), .receipt = {0xC0}};
  EXPECT_EQ(SetupAnswer::decode(answer.encode()), answer);
  EXPECT_EQ(test::accepted(test::truncations(answer.encode()),
                           [](const Bytes& cut) { return SetupAnswer::decode(cut).has_value(); }),
            test::Names{});
  EXPECT_FALSE(decode_challenge(*from_hex("8501AA")).has_value());
}

// Amendment A, scenario 3; SGP.02, 4.1.3: the order of the groupings
TEST(ConfidentialSetupTest, GroupingsHaveTheirOrder) {
  const auto code = [](std::string_view data) {
    const auto request = SetupRequest::decode(*from_hex(data));
    EXPECT_FALSE(request.has_value()) << data;
    return request ? Errc::kIo : request.error().code;
  };
  EXPECT_TRUE(SetupRequest::decode(*from_hex("3A0201AA 7F4901BB 5F3701CC")).has_value());
  EXPECT_EQ(code("00A601AA"), Errc::kUnexpectedTag) << "nothing follows the last block";
  EXPECT_TRUE(SetupRequest::decode(*from_hex("00A601AA"), false).has_value());
  EXPECT_TRUE(SetupRequest::decode(*from_hex("00A601AA 7F4901BB")).has_value());
  EXPECT_EQ(code(""), Errc::kUnexpectedTag);
  EXPECT_EQ(code("3A0201AA"), Errc::kUnexpectedTag);
  EXPECT_EQ(code("3A0201AA 7F4901BB"), Errc::kUnexpectedTag);
  EXPECT_EQ(code("3A0101AA 7F4901BB"), Errc::kUnexpectedTag);
  EXPECT_EQ(code("3A0101AA 3A0101AA"), Errc::kUnexpectedTag);
  EXPECT_EQ(code("7F4901BB 00A601AA"), Errc::kUnexpectedTag);
  EXPECT_EQ(code("7F4901BB 7F4901BB"), Errc::kUnexpectedTag);
  EXPECT_EQ(code("00A601AA 7F4901BB 5F3701CC"), Errc::kUnexpectedTag);
  EXPECT_EQ(code("008501AA"), Errc::kUnexpectedTag);
  EXPECT_EQ(code("3A0100"), Errc::kLength);
  EXPECT_EQ(code("3A01"), Errc::kTruncated);
  EXPECT_EQ(code("3A0102AA"), Errc::kTruncated);
}

TEST(ConfidentialSetupTest, LongGroupingsAreSignedWhole) {
  const Bytes reference(300, 0xA6);
  const Bytes octets = encode_signed_octets(reference, Bytes(65, 0x04));
  const auto command = ask_signed(octets, Bytes(64, 0x5F));
  const auto request = SetupRequest::decode(command.data).value();
  EXPECT_TRUE(equal(request.signed_octets, octets));
  EXPECT_TRUE(equal(request.reference, reference));
  const Bytes certificate(10, 0x7F);
  EXPECT_TRUE(equal(SetupRequest::decode(show_certificate(certificate).front().data)->certificate,
                    certificate));
}

TEST(ConfidentialSetupTest, AnAnswerSaysWhatIsWrong) {
  const Bytes good = SetupAnswer{.random = Bytes(16, 0x11)}.encode();
  Bytes longer = good;
  append(longer, *from_hex("9A00"));
  EXPECT_EQ(SetupAnswer::decode(longer).error().code, Errc::kTrailing);
  EXPECT_EQ(SetupAnswer::decode(*from_hex("8501AA")).error().code, Errc::kLength);
  EXPECT_EQ(SetupAnswer::decode({}).error().code, Errc::kTruncated);
  EXPECT_EQ(SetupAnswer::decode(*from_hex("9A00")).error().code, Errc::kUnexpectedTag);
}

// The card's end in a few lines, of a CASD whose key is `casd`.
Bytes card_answer(const CurvePrivateKey& casd, ByteView data, const Bytes& random) {
  const auto request = SetupRequest::decode(data).value();
  const auto reference = SetupReference::decode(request.reference).value();
  const auto peer =
      crypto::CurvePublicKey::from_point(Curve::kP256, request.ephemeral_point).value();
  const auto keys =
      derive_key_set(crypto::ecdh(casd, peer).value(), reference, random, CardIdentity{}).value();
  return SetupAnswer{.random = random,
                     .receipt = setup_receipt(keys, request.reference, random).value()}
      .encode();
}

class ProviderSetupTest : public ::testing::Test {
 protected:
  test::FixedRng rng_{"setup"};
  CurvePrivateKey casd_ = CurvePrivateKey::generate(Curve::kP256, rng_).value();
  crypto::EcPrivateKey own_ = crypto::EcPrivateKey::generate(rng_).value();
};

TEST_F(ProviderSetupTest, BelievesTheReceiptOfItsCasdAndNoOther) {
  const CurvePrivateKey other = CurvePrivateKey::generate(Curve::kP256, rng_).value();
  for (const bool right : {true, false}) {
    ProviderSetup setup({.with_random = true, .key_version = 0x31}, casd_.public_key());
    const auto command = setup.ask(rng_);
    ASSERT_TRUE(command.has_value());
    const auto keys =
        setup.finish(card_answer(right ? casd_ : other, command->data, Bytes(16, 0x11)));
    EXPECT_EQ(keys.has_value(), right);
    if (!right) {
      EXPECT_EQ(keys.error().code, Errc::kAuthentication);
    }
  }
}

TEST_F(ProviderSetupTest, RefusesAnAnswerWithAnyBitChanged) {
  ProviderSetup setup({.with_random = true, .key_version = 0x31}, casd_.public_key());
  const auto command = setup.ask(rng_);
  const Bytes answer = card_answer(casd_, command->data, Bytes(16, 0x11));
  EXPECT_EQ(test::accepted(test::bit_flips(answer),
                           [&](const Bytes& damaged) { return setup.finish(damaged).has_value(); }),
            test::Names{});
  EXPECT_TRUE(setup.finish(answer).has_value());
}

TEST_F(ProviderSetupTest, KnowsTheKeysBeforeTheAnswerUnlessTheCardAddsARandom) {
  ProviderSetup setup({.key_version = 0x31}, casd_.public_key());
  EXPECT_EQ(setup.expected().error().code, Errc::kState);
  const auto command = setup.ask(rng_);
  const auto before = setup.expected();
  const auto after = setup.finish(card_answer(casd_, command->data, {}));
  ASSERT_TRUE(before.has_value() && after.has_value());
  EXPECT_TRUE(ct_equal(before->enc.expose(), after->enc.expose()));
  EXPECT_TRUE(ct_equal(before->mac.expose(), after->mac.expose()));
  EXPECT_TRUE(ct_equal(before->dek.expose(), after->dek.expose()));
  ProviderSetup with_random({.with_random = true, .key_version = 0x31}, casd_.public_key());
  ASSERT_TRUE(with_random.ask(rng_).has_value());
  EXPECT_EQ(with_random.expected().error().code, Errc::kState);
}

TEST_F(ProviderSetupTest, HasOneTurnForEachStep) {
  ProviderSetup setup({.certified = true, .key_version = 0x31}, casd_.public_key());
  EXPECT_EQ(setup.finish({}).error().code, Errc::kState);
  EXPECT_EQ(setup.ask(rng_).error().code, Errc::kInvalidArgument);
  const Bytes challenge = encode_challenge({});
  EXPECT_TRUE(setup.ask(challenge, own_, rng_).has_value());
  EXPECT_EQ(setup.ask(challenge, own_, rng_).error().code, Errc::kState);
  ProviderSetup unsigned_setup({.key_version = 0x31}, casd_.public_key());
  EXPECT_EQ(unsigned_setup.ask(challenge, own_, rng_).error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace kagibin::gp
