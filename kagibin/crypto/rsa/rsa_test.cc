// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "kagibin/crypto/curve/curve_parameters.h"
#include "kagibin/crypto/rsa/rsa_signature.h"

#include "tests/support/failing_rng.h"
#include "tests/support/fixed_rng.h"
#include "tests/support/vector_file.h"

namespace kagibin::crypto {
namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

RsaScheme scheme_of(const std::string& section) {
  if (section == "Pkcs1Sha256") {
    return RsaScheme::kPkcs1Sha256;
  }
  return section == "PssSha256" ? RsaScheme::kPssSha256 : RsaScheme::kPssSha512;
}

bool verifies(test::VectorCase& vector) {
  const auto key = RsaPublicKey::from(vector.octets("Modulus"), vector.octets("Exponent"));
  EXPECT_TRUE(key.has_value());
  return rsa_verify(*key, scheme_of(vector.section()), {vector.octets("Message")},
                    vector.octets("Signature"));
}

// Keys of 1,024, 2,048 and 3,072 bits.
struct Pair {
  RsaPublicKey peer;
  RsaPrivateKey own;
};
std::vector<Pair> pairs() {
  std::vector<Pair> out;
  test::for_each_vector("kagibin/crypto/rsa/testdata/rsa_key.vec", [&](test::VectorCase& vector) {
    const Bytes modulus = vector.octets("Modulus");
    auto own = RsaPrivateKey::from_crt({.p = vector.octets("P"),
                                        .q = vector.octets("Q"),
                                        .q_inverse = vector.octets("QInverse"),
                                        .dp = vector.octets("Dp"),
                                        .dq = vector.octets("Dq")});
    auto peer = RsaPublicKey::from(modulus, vector.octets("Exponent"));
    ASSERT_TRUE(own && peer);
    EXPECT_EQ(own->modulus(), modulus);
    EXPECT_EQ(own->public_key(), *peer);
    const auto from_der = RsaPrivateKey::from_der(vector.octets("Pkcs8"));
    ASSERT_TRUE(from_der.has_value());
    EXPECT_EQ(from_der->public_key(), *peer);
    EXPECT_TRUE(ct_equal(from_der->private_exponent().expose(), vector.octets("PrivateExponent")));
    EXPECT_EQ(RsaPublicKey::from_der(vector.octets("SubjectPublicKeyInfo")).value(), *peer);
    out.push_back({std::move(*peer), std::move(*own)});
  });
  return out;
}

// RFC 8017, 8.1, 8.2: PSS and PKCS #1 v1.5 of others
TEST(RsaTest, VerifiesWhatOthersSigned) {
  test::for_each_vector("kagibin/crypto/rsa/testdata/rsa_verify.vec",
                        [](test::VectorCase& vector) { EXPECT_TRUE(verifies(vector)); });
}

// RFC 8017, 8.1, 8.2: changed signatures
TEST(RsaTest, RefusesTheTwin) {
  test::for_each_vector("kagibin/crypto/rsa/testdata/rsa_verify_invalid.vec",
                        [](test::VectorCase& vector) { EXPECT_FALSE(verifies(vector)); });
}

TEST(RsaTest, SignsWhatLibcryptoVerifies) {
  test::FixedRng rng("rsa");
  const Bytes message = hex("0102030405");
  for (const Pair& pair : pairs()) {
    for (const RsaScheme scheme : {RsaScheme::kPkcs1Sha1, RsaScheme::kPkcs1Sha256,
                                   RsaScheme::kPssSha256, RsaScheme::kPssSha512}) {
      const auto signature = rsa_sign(pair.own, scheme, {message}, rng);
      if (scheme == RsaScheme::kPssSha512 && pair.peer.size() == 128) {
        EXPECT_EQ(signature.error().code, Errc::kInvalidArgument) << "two hashes do not fit";
        continue;
      }
      ASSERT_TRUE(signature.has_value());
      EXPECT_TRUE(rsa_verify(pair.peer, scheme, {message}, *signature));
      EXPECT_TRUE(
          rsa_verify(pair.peer, scheme, {ByteView(message).first(2), hex("030405")}, *signature));
      for (const RsaScheme other : {RsaScheme::kPkcs1Sha1, RsaScheme::kPkcs1Sha256,
                                    RsaScheme::kPssSha256, RsaScheme::kPssSha512}) {
        EXPECT_EQ(rsa_verify(pair.peer, other, {message}, *signature), other == scheme);
      }
      for (const std::size_t at : {0UZ, 1UZ, signature->size() / 2, signature->size() - 1}) {
        Bytes wrong = *signature;
        wrong[at] ^= 0x80;
        EXPECT_FALSE(rsa_verify(pair.peer, scheme, {message}, wrong));
      }
      EXPECT_FALSE(rsa_verify(pair.peer, scheme, {message}, {}));
      EXPECT_FALSE(rsa_verify(pair.peer, scheme, {message}, pair.peer.modulus()));
    }
  }
}

TEST(RsaTest, AsksTheRandomSourceForASaltAlone) {
  const std::vector<Pair> all = pairs();
  test::FailingRng failing("none", 1);
  EXPECT_TRUE(rsa_sign(all[0].own, RsaScheme::kPkcs1Sha1, {}, failing).has_value());
  EXPECT_EQ(rsa_sign(all[0].own, RsaScheme::kPssSha256, {}, failing).error().code, Errc::kCrypto);
  test::FixedRng once("salt");
  test::FixedRng again("salt");
  EXPECT_EQ(rsa_sign(all[0].own, RsaScheme::kPssSha256, {}, once).value(),
            rsa_sign(all[0].own, RsaScheme::kPssSha256, {}, again).value());
}

TEST(RsaTest, RefusesKeysOutsideTheLimits) {
  const RsaPublicKey good = pairs()[0].peer;
  const auto code = [&](const Bytes& modulus, std::string_view exponent) {
    const auto key = RsaPublicKey::from(modulus, hex(exponent));
    return key ? Errc::kIo : key.error().code;
  };
  Bytes modulus = good.modulus();
  EXPECT_EQ(code(modulus, "03"), Errc::kIo);
  EXPECT_EQ(code(modulus, "00010001"), Errc::kIo) << "leading zeros go";
  EXPECT_EQ(code(modulus, "02"), Errc::kValue);
  EXPECT_EQ(code(modulus, "01"), Errc::kValue);
  EXPECT_EQ(code(modulus, ""), Errc::kValue);
  EXPECT_EQ(code(modulus, "010000000000000001"), Errc::kValue);
  EXPECT_EQ(code(Bytes(modulus.begin() + 1, modulus.end()), "03"), Errc::kValue);
  EXPECT_EQ(code({}, "03"), Errc::kValue);
  EXPECT_EQ(code(Bytes(513, 0xFF), "03"), Errc::kValue);
  modulus.back() ^= 0x01;
  EXPECT_EQ(code(modulus, "03"), Errc::kValue);
  modulus = good.modulus();
  modulus.front() = 0x7F;
  EXPECT_EQ(code(modulus, "03"), Errc::kValue);
  EXPECT_EQ(RsaPrivateKey::from(good.modulus(), good.modulus()).error().code, Errc::kValue);
  EXPECT_EQ(RsaPrivateKey::from(good.modulus(), {}).error().code, Errc::kValue);
  EXPECT_EQ(RsaPublicKey::from_der(good.modulus()).error().code, Errc::kEncoding);
  EXPECT_EQ(RsaPrivateKey::from_der({}).error().code, Errc::kEncoding);
}

TEST(RsaTest, RefusesWhatIsNoKeyInDer) {
  test::for_each_vector(
      "kagibin/crypto/rsa/testdata/rsa_key_invalid.vec", [](test::VectorCase& vector) {
        const Bytes data = vector.octets("Data");
        EXPECT_FALSE(vector.section() == "Pkcs8" ? RsaPrivateKey::from_der(data).has_value()
                                                 : RsaPublicKey::from_der(data).has_value());
      });
}

TEST(RsaTest, RefusesNumbersThatDoNotBelongTogether) {
  test::for_each_vector("kagibin/crypto/rsa/testdata/rsa_key.vec", [](test::VectorCase& vector) {
    static_cast<void>(vector.octets("Modulus"));
    static_cast<void>(vector.octets("Exponent"));
    static_cast<void>(vector.octets("PrivateExponent"));
    static_cast<void>(vector.octets("Pkcs8"));
    static_cast<void>(vector.octets("SubjectPublicKeyInfo"));
    for (std::size_t changed = 0; changed < 5; ++changed) {
      std::vector<Bytes> numbers = {vector.octets("P"), vector.octets("Q"),
                                    vector.octets("QInverse"), vector.octets("Dp"),
                                    vector.octets("Dq")};
      numbers[changed].back() ^= 0x02;
      EXPECT_FALSE(RsaPrivateKey::from_crt({.p = numbers[0],
                                            .q = numbers[1],
                                            .q_inverse = numbers[2],
                                            .dp = numbers[3],
                                            .dq = numbers[4]})
                       .has_value())
          << changed;
    }
  });
  EXPECT_FALSE(RsaPrivateKey::from_crt({}).has_value());
}

TEST(CurveParametersTest, TellTheirCurve) {
  for (const Curve curve : {Curve::kP256, Curve::kP384}) {
    CurveParameters parameters = parameters_of(curve);
    EXPECT_EQ(parameters.field.size(), coordinate_size(curve));
    EXPECT_EQ(curve_of_parameters(parameters), curve);
    parameters.field.insert(parameters.field.begin(), 0x00);
    EXPECT_EQ(curve_of_parameters(parameters), curve) << "leading zeros do not count";
    parameters.generator.back() ^= 0x01;
    EXPECT_EQ(curve_of_parameters(parameters), std::nullopt);
  }
  EXPECT_EQ(curve_of_parameters({}), std::nullopt);
}

}  // namespace
}  // namespace kagibin::crypto
