// SPDX-License-Identifier: Apache-2.0
// Keys of every type.
#include <gtest/gtest.h>

#include "kagibin/gp/key/key.h"

#include "tests/support/fixed_rng.h"

namespace kagibin::gp {
namespace {

Bytes hex(std::string_view text) {
  auto out = from_hex(text);
  EXPECT_TRUE(out.has_value()) << text;
  return out.value_or(Bytes{});
}

// The base point of P-256 (SP 800-186, 3.2.1.3), a point that everybody knows.
constexpr std::string_view kPoint =
    "046B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296"
    "4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5";

TEST(KeyTest, HoldsWhatItIsGivenAndNothingElse) {
  test::FixedRng rng("keys");
  EXPECT_EQ(Key::aes(Bytes(17, 1)).error().code, Errc::kLength);
  EXPECT_EQ(Key::des(Bytes(8, 1)).error().code, Errc::kLength);
  EXPECT_EQ(Key::des(Bytes(16, 1))->kind(), KeyKind::kDes);
  for (const crypto::Curve curve : {crypto::Curve::kP256, crypto::Curve::kP384}) {
    const auto own = crypto::CurvePrivateKey::generate(curve, rng).value();
    const auto other = crypto::CurvePrivateKey::generate(curve, rng).value();
    const Key key = Key::ec_public(own.public_key()).value();
    EXPECT_EQ(key.kind(), KeyKind::kEcPublic);
    EXPECT_EQ(key.curve(), curve);
    EXPECT_EQ(key.ec_public_key().value(), own.public_key());
    EXPECT_EQ(key.ec_private_key().error().code, Errc::kNotFound);
    EXPECT_EQ(key.rsa_public_key().error().code, Errc::kNotFound);
    const auto pair = [&](const crypto::CurvePublicKey& point) {
      std::vector<KeyPart> parts;
      parts.push_back({key_type::kEcPrivate, SecretBytes::copy_of(own.expose_scalar())});
      parts.push_back({key_type::kEcPublic, SecretBytes::copy_of(point.point())});
      return Key::from(std::move(parts));
    };
    EXPECT_EQ(pair(own.public_key())->kind(), KeyKind::kEcPrivate);
    EXPECT_EQ(pair(own.public_key())->curve(), curve) << "by its length";
    EXPECT_EQ(pair(other.public_key()).error().code, Errc::kValue);
  }
  std::vector<KeyPart> unknown;
  unknown.push_back({key_type::kEcPublic, SecretBytes::copy_of(hex(kPoint))});
  unknown.push_back({key_type::kEcParameterReference, SecretBytes::copy_of(hex("02"))});
  EXPECT_EQ(Key::from(std::move(unknown)).error().code, Errc::kNotSupported) << "P-521";
}

// GPCS B.6: key check values
TEST(KeyTest, BelievesACheckValueThatIsItsOwn) {
  const Key aes = Key::aes(Bytes(16, 0x40)).value();
  EXPECT_TRUE(matches_check_value(aes, key_check_value(aes).value().value()).value());
  EXPECT_FALSE(matches_check_value(aes, {}).value());
  const Key point =
      Key::ec_public(crypto::CurvePublicKey::from_point(crypto::Curve::kP256, hex(kPoint)).value())
          .value();
  EXPECT_FALSE(key_check_value(point).value().has_value());
  EXPECT_FALSE(matches_check_value(point, {0, 0, 0}).value());
  Bytes components = hex(kPoint);
  components.push_back(0x00);
  for (const auto algorithm : {crypto::HashAlgorithm::kSha1, crypto::HashAlgorithm::kSha256}) {
    const Bytes hash = crypto::digest(algorithm, {components});
    EXPECT_TRUE(matches_check_value(point, {hash[0], hash[1], hash[2]}).value());
  }
}

}  // namespace
}  // namespace kagibin::gp
