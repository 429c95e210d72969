// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <gtest/gtest.h>

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/crypto/ec/ecdsa_digest.h"
#include "kagibin/crypto/ec/p256.h"
#include "kagibin/crypto/ec/rfc6979.h"
#include "kagibin/crypto/hmac_sha256.h"

#include "tests/support/failing_rng.h"
#include "tests/support/fixed_rng.h"
#include "tests/support/vector_file.h"

namespace kagibin::crypto {
namespace {

using test::FailingRng;
using test::FixedRng;
using test::for_each_vector;
using test::VectorCase;

constexpr std::string_view kOrder =
    "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551";

// Answers the given octets first and then works like FixedRng.
class ScriptedRng final : public Rng {
 public:
  explicit ScriptedRng(Bytes script) : script_(std::move(script)), stream_("after the script") {}
  Result<void> fill(MutableByteView out) override {
    ++calls;
    if (script_.size() < out.size()) {
      return stream_.fill(out);
    }
    std::ranges::copy(ByteView(script_).first(out.size()), out.begin());
    script_.erase(script_.begin(), script_.begin() + static_cast<std::ptrdiff_t>(out.size()));
    return {};
  }
  int calls = 0;

 private:
  Bytes script_;
  FixedRng stream_;
};

// A source that answers nothing but zeros.
class ZeroRng final : public Rng {
 public:
  Result<void> fill(MutableByteView out) override {
    std::ranges::fill(out, std::uint8_t{0});
    return {};
  }
};

Bytes hex(std::string_view text) { return from_hex(text).value_or(Bytes()); }

RawSignature signature_of(const Bytes& octets) {
  return to_array<kEcdsaRawSize>(octets).value_or(RawSignature{});
}

EcPrivateKey make_key(std::string_view seed) {
  FixedRng rng(seed);
  return EcPrivateKey::generate(rng).value();
}

// FIPS 180-4, 6.2: SHA-256
TEST(Sha256Test, GivesTheStandardsDigestsHoweverTheMessageIsCut) {
  for_each_vector("kagibin/crypto/testdata/sha256.vec", [](VectorCase& vector) {
    const Bytes message = vector.octets("Message");
    const std::string expected = to_hex(vector.octets("Digest"));
    EXPECT_EQ(to_hex(sha256(message)), expected);
    for (std::size_t cut = 0; cut <= message.size(); ++cut) {
      EXPECT_EQ(to_hex(sha256({ByteView(message).first(cut), ByteView(message).subspan(cut)})),
                expected);
    }
  });
}

TEST(Sha256Test, DiffersFromOtherDigests) {
  for_each_vector("kagibin/crypto/testdata/sha256_invalid.vec", [](VectorCase& vector) {
    EXPECT_NE(to_hex(sha256(vector.octets("Message"))), to_hex(vector.octets("Digest")));
  });
}

// RFC 4231, 4: HMAC-SHA-256
TEST(HmacSha256Test, GivesTheNumbersOfRfc4231) {
  // RFC 4231, 4.2 and 4.3.
  EXPECT_EQ(to_hex(hmac_sha256(Bytes(20, 0x0B), {ascii("Hi "), ascii("There")}).expose()),
            "B0344C61D8DB38535CA8AFCEAF0BF12B881DC200C9833DA726E9376C2E32CFF7");
  EXPECT_EQ(to_hex(hmac_sha256(ascii("Jefe"), {ascii("what do ya want for nothing?")}).expose()),
            "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843");
  EXPECT_NE(to_hex(hmac_sha256(ascii("jefe"), {ascii("what do ya want for nothing?")}).expose()),
            "5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843");
}

TEST(SystemRngTest, FillsEveryOctetAndDoesNotRepeatItself) {
  SystemRng rng;
  const auto first = random_array<32>(rng).value();
  const auto second = random_array<32>(rng).value();
  EXPECT_NE(first, second);
  Bytes changed(64);  // after 64 draws, an octet that was never written is still zero
  for (int i = 0; i < 64; ++i) {
    const SecretBytes draw = random_secret(rng, changed.size()).value();
    for (std::size_t j = 0; j < changed.size(); ++j) {
      changed[j] |= draw.expose()[j];
    }
  }
  EXPECT_EQ(std::ranges::count(changed, 0), 0);
  EXPECT_EQ(random_secret(rng, 0)->size(), 0U);
}

TEST(EcKeyTest, ComputesThePublicPointOfAScalar) {
  for_each_vector("kagibin/crypto/ec/testdata/ec_key.vec", [](VectorCase& vector) {
    const Bytes point = vector.octets("Point");
    const auto public_key = EcPublicKey::from_point(point);
    ASSERT_TRUE(public_key.has_value());
    EXPECT_EQ(to_hex(public_key->point()), to_hex(point));
    if (vector.section() == "Pair") {
      const Bytes scalar = vector.octets("Scalar");
      const auto key = EcPrivateKey::from_scalar(scalar);
      ASSERT_TRUE(key.has_value());
      EXPECT_EQ(to_hex(key->public_key().point()), to_hex(point));
      EXPECT_EQ(to_hex(key->expose_scalar()), to_hex(scalar));
      EXPECT_TRUE(equal(key->scalar().expose(), scalar));
      EXPECT_EQ(key->public_key(), *public_key);
    }
  });
}

// SP 800-56A, 5.6.2.3.4: points off the curve, other encodings, the point at infinity
TEST(EcKeyTest, RefusesPointsOffTheCurveOtherEncodingsAndScalarsOutOfRange) {
  for_each_vector("kagibin/crypto/ec/testdata/ec_key_invalid.vec", [](VectorCase& vector) {
    const Errc code = vector.section() == "Scalar"
                          ? EcPrivateKey::from_scalar(vector.octets("Scalar")).error().code
                          : EcPublicKey::from_point(vector.octets("Point")).error().code;
    EXPECT_EQ(code, Errc::kValue);
  });
}

TEST(EcKeyTest, ComesFromTheRandomSourceAlone) {
  EXPECT_EQ(make_key("a").public_key(), make_key("a").public_key());
  EXPECT_FALSE(make_key("a").public_key() == make_key("b").public_key());
  FixedRng rng("a");
  const auto expected = random_array<32>(rng).value();
  EXPECT_EQ(to_hex(make_key("a").expose_scalar()), to_hex(expected));
}

TEST(EcKeyTest, DrawsAgainWhenAScalarIsOutOfRange) {
  const std::string good = std::string(63, '0') + "7";
  ScriptedRng rng(hex(std::string(64, '0') + std::string(kOrder) + std::string(64, 'F') + good));
  EXPECT_EQ(to_hex(EcPrivateKey::generate(rng)->expose_scalar()), good);
  EXPECT_EQ(rng.calls, 4);
}

TEST(EcKeyTest, GivesUpOnASourceThatFailsOrIsStuck) {
  FailingRng failing("seed", 1);
  EXPECT_EQ(EcPrivateKey::generate(failing).error().code, Errc::kCrypto);
  ZeroRng stuck;
  EXPECT_EQ(EcPrivateKey::generate(stuck).error().code, Errc::kCrypto);
}

TEST(EcKeyTest, MovingWipesTheScalarOfTheSource) {
  EcPrivateKey key = make_key("moved");
  const EcPrivateKey taken = std::move(key);
  // NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move): the wiping is tested
  EXPECT_EQ(to_hex(key.expose_scalar()), std::string(64, '0'));
  EXPECT_EQ(taken.public_key(), make_key("moved").public_key());
}

TEST(EcKeyTest, TakesThePointThatWasKeptBesideItsScalar) {
  const EcPrivateKey made = make_key("kept");
  const auto kept = EcPrivateKey::from_pair(made.expose_scalar(), made.public_key());
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(kept->public_key(), made.public_key());
  EXPECT_EQ(kept->duplicate().public_key(), made.public_key());
  EXPECT_EQ(to_hex(kept->duplicate().expose_scalar()), to_hex(made.expose_scalar()));
  EXPECT_EQ(EcPrivateKey::from_scalar(made.expose_scalar())->public_key(), made.public_key());
  EXPECT_EQ(EcPrivateKey::from_pair(hex(kOrder), made.public_key()).error().code, Errc::kValue);
  EXPECT_EQ(EcPrivateKey::from_pair(Bytes(31, 1), made.public_key()).error().code, Errc::kValue);
}

// FIPS 186-5, 6.4.2: r and s are in [1, n-1]
TEST(EcdsaTest, RefusesNumbersOutOfRangeWhateverTheMessage) {
  const EcPrivateKey key = make_key("range");
  const Bytes message = {1, 2, 3};
  FixedRng rng("signature");
  const Bytes good = ecdsa_sign_raw(key, {message}, rng).value();
  ASSERT_TRUE(ecdsa_verify_raw(key.public_key(), {message}, good));
  const Bytes order = hex(kOrder);
  for (const Bytes& wrong : {Bytes(32), order, Bytes(32, 0xFF)}) {
    for (const std::size_t at : {std::size_t{0}, std::size_t{32}}) {
      Bytes changed = good;
      std::ranges::copy(wrong, changed.begin() + static_cast<std::ptrdiff_t>(at));
      EXPECT_FALSE(ecdsa_verify_raw(key.public_key(), {message}, changed));
      EXPECT_FALSE(ecdsa_verify_der(key.public_key(), {message}, ecdsa_raw_to_der(changed)));
    }
  }
  EXPECT_FALSE(ecdsa_verify_raw(key.public_key(), {message}, Bytes(64)));
  EXPECT_FALSE(ecdsa_verify_raw(key.public_key(), {message}, ByteView(good).first(63)));
}

TEST(P256Test, ReducesModuloTheOrderByOneSubtraction) {
  EXPECT_EQ(to_hex(reduce_modulo_order(hex(kOrder))), std::string(64, '0'));
  EXPECT_EQ(to_hex(reduce_modulo_order(Bytes(32, 0xFF))),
            "00000000FFFFFFFF00000000000000004319055258E8617B0C46353D039CDAAE");
  Bytes below = hex(kOrder);
  below.back() -= 1;
  EXPECT_EQ(to_hex(reduce_modulo_order(below)), to_hex(below));
  EXPECT_TRUE(is_p256_scalar(below));
  EXPECT_FALSE(is_p256_scalar(hex(kOrder)));
  EXPECT_FALSE(is_p256_scalar(Bytes(31, 1)));
}

// RFC 6979, A.2.5: nonces and signatures on P-256
TEST(Rfc6979Test, GivesTheNoncesAndSignaturesOfTheStandard) {
  for_each_vector("kagibin/crypto/ec/testdata/rfc6979.vec", [](VectorCase& vector) {
    const auto key = EcPrivateKey::from_scalar(vector.octets("Scalar")).value();
    EXPECT_EQ(to_hex(key.public_key().point()), to_hex(vector.octets("Point")));
    const Digest256 digest = sha256(vector.octets("Message"));
    EXPECT_EQ(to_hex(Rfc6979(key.expose_scalar(), digest, {}).next_nonce().expose()),
              to_hex(vector.octets("K")));
    EXPECT_EQ(to_hex(ecdsa_sign_digest(key, digest, {}).value()),
              to_hex(vector.octets("R")) + to_hex(vector.octets("S")));
  });
}

TEST(Rfc6979Test, DiffersFromOtherMessagesAndHashes) {
  for_each_vector("kagibin/crypto/ec/testdata/rfc6979_invalid.vec", [](VectorCase& vector) {
    const auto key = EcPrivateKey::from_scalar(vector.octets("Scalar")).value();
    EXPECT_EQ(to_hex(key.public_key().point()), to_hex(vector.octets("Point")));
    const Bytes message = vector.octets("Message");
    const Digest256 digest = sha256(message);
    EXPECT_NE(to_hex(Rfc6979(key.expose_scalar(), digest, {}).next_nonce().expose()),
              to_hex(vector.octets("K")));
    Bytes signature = vector.octets("R");
    append(signature, vector.octets("S"));
    EXPECT_NE(to_hex(ecdsa_sign_digest(key, digest, {}).value()), to_hex(signature));
    EXPECT_FALSE(ecdsa_verify_raw(key.public_key(), {message}, signature));
  });
}

TEST(Rfc6979Test, NeverGivesANonceTwiceAndChangesWithEveryInput) {
  const Digest256 digest = sha256(ascii("sample"));
  const SecretArray<32> scalar = make_key("nonce").scalar();
  const SecretArray<32> other = make_key("other").scalar();
  Rfc6979 source(scalar.expose(), digest, {});
  const std::string first = to_hex(source.next_nonce().expose());
  const std::string blind = to_hex(source.blind().expose());
  EXPECT_NE(blind, first);
  EXPECT_NE(to_hex(source.next_nonce().expose()), first);
  EXPECT_NE(to_hex(source.blind().expose()), blind);
  EXPECT_NE(to_hex(Rfc6979(scalar.expose(), digest, Bytes(32)).next_nonce().expose()), first);
  EXPECT_NE(to_hex(Rfc6979(other.expose(), digest, {}).next_nonce().expose()), first);
  EXPECT_NE(to_hex(Rfc6979(scalar.expose(), sha256({}), {}).next_nonce().expose()), first);
}

// What multiplies the blinded nonce may take a time that depends on it: it must say nothing of the
// nonce, so the blind is drawn from the whole of [1, n-1].
TEST(Rfc6979Test, BlindsWithNumbersOfTheWholeRange) {
  const SecretArray<32> scalar = make_key("blind").scalar();
  unsigned first_or = 0;
  unsigned last_or = 0;
  unsigned last_and = 0xFF;
  for (std::uint8_t message = 0; message < 64; ++message) {
    Rfc6979 source(scalar.expose(), sha256({{&message, 1}}), {});
    static_cast<void>(source.next_nonce());
    const SecretArray<32> blind = source.blind();
    EXPECT_TRUE(EcPrivateKey::from_scalar(blind.expose()).has_value());
    first_or |= blind.expose().front();
    last_or |= blind.expose().back();
    last_and &= blind.expose().back();
  }
  EXPECT_EQ(first_or, 0xFFU);
  EXPECT_EQ(last_or, 0xFFU);
  EXPECT_EQ(last_and, 0U);
}

// FIPS 186-5, 6.4.2: ECDSA verification
TEST(EcdsaTest, TakesTheSignaturesOfTheStandards) {
  for_each_vector("kagibin/crypto/ec/testdata/ecdsa.vec", [](VectorCase& vector) {
    const auto key = EcPublicKey::from_point(vector.octets("Point")).value();
    const Bytes message = vector.octets("Message");
    const Bytes raw = vector.octets("Signature");
    EXPECT_TRUE(ecdsa_verify_raw(key, {message}, raw));
    const Bytes der = ecdsa_raw_to_der(signature_of(raw));
    EXPECT_TRUE(ecdsa_verify_der(key, {message}, der));
    EXPECT_TRUE(
        ecdsa_verify_der(key, {ByteView(message).first(1), {}, ByteView(message).subspan(1)}, der));
  });
}

// FIPS 186-5, 6.4.2: r and s out of range
TEST(EcdsaTest, RefusesWrongSignaturesAndNumbersOutOfRange) {
  for_each_vector("kagibin/crypto/ec/testdata/ecdsa_invalid.vec", [](VectorCase& vector) {
    const auto key = EcPublicKey::from_point(vector.octets("Point")).value();
    const Bytes message = vector.octets("Message");
    const Bytes signature = vector.octets("Signature");
    EXPECT_FALSE(ecdsa_verify_raw(key, {message}, signature));
    if (const auto raw = to_array<kEcdsaRawSize>(signature)) {
      EXPECT_FALSE(ecdsa_verify_der(key, {message}, ecdsa_raw_to_der(*raw)));
    }
  });
}

TEST(EcdsaTest, TakesMinimalDerOnly) {
  for_each_vector("kagibin/crypto/ec/testdata/ecdsa_der.vec", [](VectorCase& vector) {
    const auto key = EcPublicKey::from_point(vector.octets("Point")).value();
    const Bytes message = vector.octets("Message");
    const Bytes der = vector.octets("Signature");
    EXPECT_TRUE(ecdsa_verify_der(key, {message}, der));
    EXPECT_EQ(to_hex(ecdsa_raw_to_der(ecdsa_der_to_raw(der).value_or(RawSignature{}))),
              to_hex(der));
    EXPECT_FALSE(ecdsa_verify_raw(key, {message}, der));
  });
  for_each_vector("kagibin/crypto/ec/testdata/ecdsa_der_invalid.vec", [](VectorCase& vector) {
    const auto key = EcPublicKey::from_point(vector.octets("Point")).value();
    EXPECT_FALSE(ecdsa_verify_der(key, {vector.octets("Message")}, vector.octets("Signature")));
  });
}

TEST(EcdsaTest, RefusesEveryFlippedBitAndEveryTruncation) {
  FixedRng rng("flip");
  const EcPrivateKey key = EcPrivateKey::generate(rng).value();
  const Bytes message = {1, 2, 3};
  for (const bool der : {true, false}) {
    const Bytes signature = der ? ecdsa_sign_der(key, {message}, rng).value()
                                : ecdsa_sign_raw(key, {message}, rng).value();
    const auto verify = [der](const EcPublicKey& by, std::initializer_list<ByteView> pieces,
                              ByteView value) {
      return der ? ecdsa_verify_der(by, pieces, value) : ecdsa_verify_raw(by, pieces, value);
    };
    EXPECT_TRUE(verify(key.public_key(), {message}, signature));
    for (std::size_t bit = 0; bit < signature.size() * 8; ++bit) {
      Bytes changed = signature;
      changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      EXPECT_FALSE(verify(key.public_key(), {message}, changed)) << bit;
    }
    for (std::size_t size = 0; size < signature.size(); ++size) {
      EXPECT_FALSE(verify(key.public_key(), {message}, ByteView(signature).first(size))) << size;
    }
    EXPECT_FALSE(verify(key.public_key(), {ByteView(message).first(2)}, signature));
    EXPECT_FALSE(verify(make_key("another").public_key(), {message}, signature));
  }
}

TEST(EcdsaTest, RoundTripsAcrossManyKeysAndMessages) {
  FixedRng rng("round trip");
  std::size_t shortest = kEcdsaDerMaxSize;
  for (std::uint8_t i = 0; i < 200; ++i) {
    const EcPrivateKey key = EcPrivateKey::generate(rng).value();
    const Bytes message(i, i);
    const Bytes der = ecdsa_sign_der(key, {message}, rng).value();
    EXPECT_TRUE(ecdsa_verify_der(key.public_key(), {message}, der));
    EXPECT_LE(der.size(), kEcdsaDerMaxSize);
    EXPECT_GE(der.size(), kEcdsaDerMinSize);
    shortest = std::min(shortest, der.size());
    EXPECT_TRUE(
        ecdsa_verify_raw(key.public_key(), {message}, ecdsa_sign_raw(key, {message}, rng).value()));
  }
  EXPECT_LT(shortest, 71U);  // so that integers of every length were among them
}

TEST(EcdsaTest, EncodesTheSmallestAndTheLargestIntegers) {
  RawSignature raw{};
  raw[31] = 1;
  raw[63] = 0x7F;
  EXPECT_EQ(to_hex(ecdsa_raw_to_der(raw)), "300602010102017F");
  EXPECT_EQ(ecdsa_der_to_raw(hex("300602010102017F")), raw);
  raw[63] = 0x80;
  EXPECT_EQ(to_hex(ecdsa_raw_to_der(raw)),
            "30070201010202"
            "0080");
  raw.fill(0xFF);
  EXPECT_EQ(ecdsa_raw_to_der(raw).size(), kEcdsaDerMaxSize);
  EXPECT_EQ(ecdsa_der_to_raw(ecdsa_raw_to_der(raw)), raw);
}

TEST(EcdsaTest, IsFixedWhenTheSourceIsAndSafeWhenItRepeats) {
  const EcPrivateKey key = make_key("repeat");
  FixedRng first("same");
  FixedRng again("same");
  FixedRng other("same");
  const Bytes signature = ecdsa_sign_raw(key, {ascii("m1")}, first).value();
  EXPECT_EQ(first.octets_drawn(), 32U);
  EXPECT_EQ(to_hex(ecdsa_sign_raw(key, {ascii("m1")}, again).value()), to_hex(signature));
  // The same random octets under another message give another r: the nonce is not theirs alone.
  const Bytes second = ecdsa_sign_raw(key, {ascii("m2")}, other).value();
  EXPECT_FALSE(equal(ByteView(second).first(32), ByteView(signature).first(32)));
  // And other octets under the same message, too.
  const Bytes third = ecdsa_sign_raw(key, {ascii("m1")}, first).value();
  EXPECT_FALSE(equal(ByteView(third).first(32), ByteView(signature).first(32)));
}

TEST(EcdsaTest, FailsWithTheRandomSource) {
  FailingRng rng("seed", 1);
  EXPECT_EQ(ecdsa_sign_der(make_key("k"), {ascii("m")}, rng).error().code, Errc::kCrypto);
  EXPECT_TRUE(ecdsa_sign_der(make_key("k"), {ascii("m")}, rng).has_value());
}

}  // namespace
}  // namespace kagibin::crypto
