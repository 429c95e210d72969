// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "kagibin/crypto/curve/curve_group.h"
#include "kagibin/crypto/curve/order_inverse.h"
#include "kagibin/crypto/ec/ecdh.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/crypto/ec/rfc6979.h"
#include "kagibin/crypto/kdf/kdf.h"

#include "tests/support/failing_rng.h"
#include "tests/support/fixed_rng.h"
#include "tests/support/vector_file.h"

namespace kagibin::crypto {
namespace {

using test::FixedRng;
using test::for_each_vector;
using test::VectorCase;

constexpr std::array kCurves = {Curve::kP256, Curve::kP384};

CurvePrivateKey make_key(Curve curve, std::string_view seed) {
  FixedRng rng(seed);
  return CurvePrivateKey::generate(curve, rng).value();
}

Bytes signed_raw(const CurvePrivateKey& key, ByteView message) {
  FixedRng rng("additional input");
  return ecdsa_sign_raw(key, {message}, rng).value();
}

// RFC 6979, A.2.6: nonces on P-384
TEST(Rfc6979P384Test, GivesTheNoncesOfTheStandardAndItsPoint) {
  for_each_vector("kagibin/crypto/ec/testdata/rfc6979_p384.vec", [](VectorCase& vector) {
    const auto key = CurvePrivateKey::from_scalar(Curve::kP384, vector.octets("Scalar"));
    ASSERT_TRUE(key.has_value());
    EXPECT_EQ(to_hex(key->public_key().point()), to_hex(vector.octets("Point")));
    const Bytes message = vector.octets("Message");
    const Bytes hash = digest(HashAlgorithm::kSha384, {message});
    EXPECT_EQ(to_hex(BasicRfc6979<48>(key->expose_scalar(), hash, {}).next_nonce().expose()),
              to_hex(vector.octets("K")));
    Bytes signature = vector.octets("R");
    append(signature, vector.octets("S"));
    EXPECT_TRUE(ecdsa_verify_raw(key->public_key(), {message}, signature));
  });
}

TEST(Rfc6979P384Test, DiffersFromOtherMessages) {
  for_each_vector("kagibin/crypto/ec/testdata/rfc6979_p384_invalid.vec", [](VectorCase& vector) {
    const auto key = CurvePrivateKey::from_scalar(Curve::kP384, vector.octets("Scalar"));
    ASSERT_TRUE(key.has_value());
    EXPECT_EQ(to_hex(key->public_key().point()), to_hex(vector.octets("Point")));
    const Bytes message = vector.octets("Message");
    const Bytes hash = digest(HashAlgorithm::kSha384, {message});
    EXPECT_NE(to_hex(BasicRfc6979<48>(key->expose_scalar(), hash, {}).next_nonce().expose()),
              to_hex(vector.octets("K")));
    Bytes signature = vector.octets("R");
    append(signature, vector.octets("S"));
    EXPECT_FALSE(ecdsa_verify_raw(key->public_key(), {message}, signature));
  });
}

TEST(CurveKeyTest, AgreesAsTheStandardSays) {
  for_each_vector("kagibin/crypto/ec/testdata/ecdh_p384.vec", [](VectorCase& vector) {
    const auto own = CurvePrivateKey::from_scalar(Curve::kP384, vector.octets("Scalar"));
    const auto peer = CurvePublicKey::from_point(Curve::kP384, vector.octets("Peer"));
    ASSERT_TRUE(own.has_value() && peer.has_value());
    EXPECT_EQ(to_hex(ecdh(*own, *peer).value().expose()), to_hex(vector.octets("Z")));
  });
  for_each_vector("kagibin/crypto/ec/testdata/ecdh.vec", [](VectorCase& vector) {
    const auto own = CurvePrivateKey::from_scalar(Curve::kP256, vector.octets("Scalar"));
    const auto peer = CurvePublicKey::from_point(Curve::kP256, vector.octets("Peer"));
    ASSERT_TRUE(own.has_value() && peer.has_value());
    EXPECT_EQ(to_hex(ecdh(*own, *peer).value().expose()), to_hex(vector.octets("Z")));
  });
}

TEST(CurveKeyTest, NothingButAnUncompressedPointOnTheCurveIsAKey) {
  for_each_vector("kagibin/crypto/ec/testdata/ecdh_p384_invalid.vec", [](VectorCase& vector) {
    EXPECT_EQ(CurvePublicKey::from_point(Curve::kP384, vector.octets("Peer")).error().code,
              Errc::kValue)
        << vector.section();
  });
}

TEST(CurveKeyTest, KeysOfDifferentCurvesNeitherAgreeNorAreEqual) {
  const CurvePrivateKey one = make_key(Curve::kP256, "one");
  const CurvePrivateKey other = make_key(Curve::kP384, "other");
  EXPECT_EQ(ecdh(one, other.public_key()).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(ecdh(other, one.public_key()).error().code, Errc::kInvalidArgument);
  EXPECT_FALSE(one.public_key() == other.public_key());
  EXPECT_EQ(CurvePublicKey::from_point(Curve::kP384, one.public_key().point()).error().code,
            Errc::kValue);
}

TEST(CurveKeyTest, AScalarIsOneBelowTheOrderAndNotZero) {
  for (const Curve curve : kCurves) {
    const ByteView order = group_of(curve).order;
    Bytes scalar(order.begin(), order.end());
    EXPECT_EQ(CurvePrivateKey::from_scalar(curve, scalar).error().code, Errc::kValue);
    --scalar.back();
    EXPECT_TRUE(CurvePrivateKey::from_scalar(curve, scalar).has_value());
    scalar.assign(scalar.size(), 0);
    EXPECT_EQ(CurvePrivateKey::from_scalar(curve, scalar).error().code, Errc::kValue);
    scalar.back() = 1;
    EXPECT_TRUE(CurvePrivateKey::from_scalar(curve, scalar).has_value());
    EXPECT_EQ(CurvePrivateKey::from_scalar(curve, Bytes(scalar.size() - 1, 1)).error().code,
              Errc::kValue);
    EXPECT_EQ(CurvePrivateKey::from_scalar(curve, Bytes(scalar.size() + 1, 1)).error().code,
              Errc::kValue);
  }
}

TEST(CurveKeyTest, SignaturesVerifyAndNoOtherOctetsDo) {
  const Bytes message = {1, 2, 3};
  for (const Curve curve : kCurves) {
    const CurvePrivateKey key = make_key(curve, "signer");
    const Bytes signature = signed_raw(key, message);
    ASSERT_EQ(signature.size(), 2 * coordinate_size(curve));
    EXPECT_TRUE(ecdsa_verify_raw(key.public_key(), {message}, signature));
    EXPECT_FALSE(ecdsa_verify_raw(make_key(curve, "other").public_key(), {message}, signature));
    EXPECT_FALSE(ecdsa_verify_raw(key.public_key(), {Bytes{1, 2, 4}}, signature));
    for (std::size_t i = 0; i < signature.size(); ++i) {
      Bytes flipped = signature;
      flipped[i] ^= 0x01;
      EXPECT_FALSE(ecdsa_verify_raw(key.public_key(), {message}, flipped)) << i;
    }
    EXPECT_FALSE(ecdsa_verify_raw(key.public_key(), {message}, ByteView(signature).subspan(1)));
    EXPECT_FALSE(ecdsa_verify_raw(key.public_key(), {message}, Bytes(signature.size())));
    EXPECT_FALSE(ecdsa_verify_raw(key.public_key(), {message}, {}));
  }
}

TEST(CurveKeyTest, OnP256ItIsTheSameAsTheFixedTypes) {
  FixedRng rng("both");
  const EcPrivateKey fixed = EcPrivateKey::generate(rng).value();
  const CurvePrivateKey same = CurvePrivateKey::from(fixed);
  EXPECT_EQ(same.public_key(), CurvePublicKey::from(fixed.public_key()));
  FixedRng one("signature");
  FixedRng other("signature");
  const Bytes message = {5};
  EXPECT_EQ(to_hex(ecdsa_sign_raw(same, {message}, one).value()),
            to_hex(ecdsa_sign_raw(fixed, {message}, other).value()));
}

TEST(CurveKeyTest, AFailingSourceGivesNoKeyAndNoSignature) {
  for (const Curve curve : kCurves) {
    test::FailingRng rng("fails", 1);
    EXPECT_EQ(CurvePrivateKey::generate(curve, rng).error().code, Errc::kCrypto);
    test::FailingRng again("fails", 1);
    EXPECT_EQ(ecdsa_sign_raw(make_key(curve, "key"), {Bytes{1}}, again).error().code,
              Errc::kCrypto);
  }
}

HashAlgorithm algorithm_of(const VectorCase& vector) {
  return vector.section() == "SHA-384" ? HashAlgorithm::kSha384 : HashAlgorithm::kSha512;
}

TEST(X963KdfTest, GivesTheKeysOfAnotherImplementationWithTheLargerHashes) {
  for_each_vector("kagibin/crypto/kdf/testdata/x963_kdf_sha2.vec", [](VectorCase& vector) {
    const Bytes key = vector.octets("Key");
    EXPECT_EQ(to_hex(x963_kdf(algorithm_of(vector), vector.octets("Z"), vector.octets("SharedInfo"),
                              key.size())
                         .value()
                         .expose()),
              to_hex(key));
  });
}

TEST(X963KdfTest, DiffersUnderAnotherHashAndOtherSharedInfo) {
  for_each_vector("kagibin/crypto/kdf/testdata/x963_kdf_sha2_invalid.vec", [](VectorCase& vector) {
    const Bytes key = vector.octets("Key");
    EXPECT_NE(to_hex(x963_kdf(algorithm_of(vector), vector.octets("Z"), vector.octets("SharedInfo"),
                              key.size())
                         .value()
                         .expose()),
              to_hex(key));
  });
}

// value * value^-1 modulo n, in hexadecimal digits.
std::string times_its_inverse(Curve curve, const BIGNUM* value) {
  const CurveGroup& group = group_of(curve);
  const BnCtxPtr ctx(BN_CTX_new());
  const BignumPtr inside(BN_new());
  const BignumPtr inverse(BN_new());
  BN_to_montgomery(inside.get(), value, group.montgomery, ctx.get());
  EXPECT_TRUE(invert_modulo_order(group, inside.get(), inverse.get(), ctx.get()));
  BN_mod_mul_montgomery(inverse.get(), inverse.get(), value, group.montgomery, ctx.get());
  Bytes out(coordinate_size(curve));
  BN_bn2binpad(inverse.get(), out.data(), static_cast<int>(out.size()));
  return to_hex(out);
}

TEST(OrderInverseTest, InvertsSmallLargeAndRandomNumbers) {
  for (const Curve curve : kCurves) {
    const BignumPtr value(BN_new());
    const std::string one = std::string(2 * coordinate_size(curve) - 1, '0') + '1';
    for (const BN_ULONG small :
         {1UL, 2UL, 3UL, 0xFFFFUL}) {  // n - 0xFFFF too, and zero words in front
      BN_set_word(value.get(), small);
      EXPECT_EQ(times_its_inverse(curve, value.get()), one) << small;
      BN_sub(value.get(), EC_GROUP_get0_order(group_of(curve).group), value.get());
      EXPECT_EQ(times_its_inverse(curve, value.get()), one) << "n - " << small;
    }
    FixedRng rng("inverses");
    Bytes octets(coordinate_size(curve));
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(draw_scalar(curve, rng, octets).has_value());
      BN_bin2bn(octets.data(), static_cast<int>(octets.size()), value.get());
      EXPECT_EQ(times_its_inverse(curve, value.get()), one);
    }
  }
}

TEST(OrderInverseTest, TakesNothingButZeroToZero) {
  const BignumPtr zero(BN_new());
  EXPECT_EQ(times_its_inverse(Curve::kP256, zero.get()), std::string(64, '0'));
}

TEST(HashTest, GivesTheStandardsDigestOfAbc) {  // FIPS 180-4, examples
  const ByteView abc = ascii("abc");
  EXPECT_EQ(to_hex(digest(HashAlgorithm::kSha256, {abc})),
            "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD");
  EXPECT_EQ(to_hex(digest(HashAlgorithm::kSha384, {abc.first(1), abc.subspan(1)})),
            "CB00753F45A35E8BB5A03D699AC65007272C32AB0EDED1631A8B605A43FF5BED"
            "8086072BA1E7CC2358BAECA134C825A7");
  EXPECT_EQ(to_hex(secret_digest(HashAlgorithm::kSha512, {abc}).expose()),
            "DDAF35A193617ABACC417349AE20413112E6FA4E89A97EA20A9EEEE64B55D39A"
            "2192992A274FC1A836BA3C23A3FEEBBD454D4423643CE80E2A9AC94FA54CA49F");
}

}  // namespace
}  // namespace kagibin::crypto
