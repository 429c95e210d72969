// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/hpke/hpke.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "kagibin/crypto/hpke/ml_kem.h"

#include "tests/support/failing_rng.h"
#include "tests/support/fixed_rng.h"
#include "tests/support/vector_file.h"

namespace kagibin::crypto {
namespace {

using test::FailingRng;
using test::FixedRng;
using test::for_each_vector;
using test::VectorCase;

// Gives these octets and nothing after them but zeros.
class GivenRng final : public Rng {
 public:
  explicit GivenRng(Bytes octets) : octets_(std::move(octets)) {}
  Result<void> fill(MutableByteView out) override {
    const std::size_t size = std::min(out.size(), octets_.size());
    std::ranges::fill(out, std::uint8_t{0});
    std::copy_n(octets_.begin(), size, out.begin());
    octets_.erase(octets_.begin(), octets_.begin() + static_cast<std::ptrdiff_t>(size));
    return {};
  }

 private:
  Bytes octets_;
};

HpkeKem kem_of(VectorCase& vector) {
  return HpkeKem{static_cast<std::uint16_t>(vector.number("Kem"))};
}
HpkeAead aead_of(VectorCase& vector) {
  return HpkeAead{static_cast<std::uint16_t>(vector.number("Aead"))};
}

Errc open_code(VectorCase& vector) {
  const auto own = KemPrivateKey::from(kem_of(vector), vector.octets("SkR"));
  const Bytes info = vector.octets("Info");
  const Bytes aad = vector.octets("Aad");
  const HpkeSealed sealed{.enc = vector.octets("Enc"), .ciphertext = vector.octets("Ciphertext")};
  const auto opened = hpke_open(aead_of(vector), own.value(), {info, aad}, sealed);
  return opened ? Errc{} : opened.error().code;
}

// The numbers of RFC 9180, appendix A.
TEST(HpkeTest, SealsAndOpensAsInTheVectorsOfRfc9180) {
  for_each_vector("kagibin/crypto/hpke/testdata/hpke.vec", [](VectorCase& vector) {
    const HpkeKem kem = kem_of(vector);
    const HpkeAead aead = aead_of(vector);
    const Bytes info = vector.octets("Info");
    const Bytes aad = vector.octets("Aad");
    const Bytes shared = vector.octets("Shared");
    const auto own = KemPrivateKey::from(kem, vector.octets("SkR"));
    ASSERT_TRUE(own.has_value());
    EXPECT_EQ(own->public_key().octets(), vector.octets("PkR"));
    const auto keys = hpke_key_schedule(kem, aead, shared, info);
    ASSERT_TRUE(keys.has_value());
    EXPECT_EQ(to_hex(keys->key.expose()), to_hex(vector.octets("Key")));
    EXPECT_EQ(to_hex(keys->base_nonce.expose()), to_hex(vector.octets("Nonce")));
    GivenRng rng(vector.octets("SkE"));
    const auto sealed =
        hpke_seal(aead, own->public_key(), {info, aad}, vector.octets("Plaintext"), rng);
    ASSERT_TRUE(sealed.has_value());
    EXPECT_EQ(to_hex(sealed->enc), to_hex(vector.octets("Enc")));
    EXPECT_EQ(to_hex(sealed->ciphertext), to_hex(vector.octets("Ciphertext")));
    const auto opened = hpke_open(aead, *own, {info, aad}, *sealed);
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(to_hex(opened->expose()), to_hex(vector.octets("Plaintext")));
    EXPECT_EQ(to_hex(decapsulate(*own, sealed->enc)->expose()), to_hex(shared));
  });
}

// Points and shared secrets that are no good, as section 7.1.4 of the RFC has them.
TEST(HpkeTest, RefusesAllThatDoesNotOpenWithOneCode) {
  for_each_vector("kagibin/crypto/hpke/testdata/hpke_invalid.vec",
                  [](VectorCase& vector) { EXPECT_EQ(open_code(vector), Errc::kAuthentication); });
}

TEST(HpkeTest, OpensForTheRecipientAlone) {
  FixedRng rng("recipients");
  for (const HpkeKem kem : {HpkeKem::kP256, HpkeKem::kX25519}) {
    const auto own = KemPrivateKey::generate(kem, rng).value();
    const auto other = KemPrivateKey::generate(kem, rng).value();
    const auto sealed =
        hpke_seal(HpkeAead::kAes128Gcm, own.public_key(), {}, Bytes(40, 1), rng).value();
    EXPECT_TRUE(hpke_open(HpkeAead::kAes128Gcm, own, {}, sealed));
    EXPECT_EQ(hpke_open(HpkeAead::kAes128Gcm, other, {}, sealed).error().code,
              Errc::kAuthentication);
  }
}

TEST(HpkeTest, RefusesKeysOfAnotherLengthOrOffTheCurve) {
  FixedRng rng("keys");
  for (const HpkeKem kem : {HpkeKem::kP256, HpkeKem::kX25519}) {
    const Bytes good = KemPrivateKey::generate(kem, rng)->public_key().octets();
    EXPECT_EQ(good.size(), public_key_size(kem));
    EXPECT_TRUE(KemPublicKey::from(kem, good));
    for (std::size_t size = 0; size < good.size(); ++size) {
      EXPECT_EQ(KemPublicKey::from(kem, ByteView(good).first(size)).error().code, Errc::kLength);
      if (size != 32) {
        EXPECT_EQ(KemPrivateKey::from(kem, ByteView(good).first(size)).error().code, Errc::kLength);
      }
    }
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_EQ(KemPublicKey::from(kem, longer).error().code, Errc::kLength);
  }
  Bytes off = KemPrivateKey::generate(HpkeKem::kP256, rng)->public_key().octets();
  off[64] ^= 1U;
  EXPECT_EQ(KemPublicKey::from(HpkeKem::kP256, off).error().code, Errc::kValue);
  EXPECT_EQ(KemPrivateKey::from(HpkeKem::kP256, Bytes(32, 0)).error().code, Errc::kValue);
  EXPECT_EQ(KemPrivateKey::from(HpkeKem::kP256, Bytes(32, 0xFF)).error().code, Errc::kValue);
}

TEST(HpkeTest, SealsNothingToAPointOfSmallOrder) {
  FixedRng rng("small order");
  const auto key = KemPublicKey::from(HpkeKem::kX25519, Bytes(32, 0)).value();
  EXPECT_EQ(encapsulate(key, rng).error().code, Errc::kValue);
  EXPECT_EQ(hpke_seal(HpkeAead::kAes128Gcm, key, {}, Bytes(8, 1), rng).error().code, Errc::kValue);
}

TEST(HpkeTest, FailsWithItsRandomSource) {
  FixedRng rng("source");
  for (const HpkeKem kem : {HpkeKem::kP256, HpkeKem::kX25519}) {
    const auto own = KemPrivateKey::generate(kem, rng).value();
    FailingRng none("none", 1);
    EXPECT_EQ(hpke_seal(HpkeAead::kAes128Gcm, own.public_key(), {}, Bytes(8, 1), none).error().code,
              Errc::kCrypto);
    FailingRng again("again", 1);
    EXPECT_EQ(KemPrivateKey::generate(kem, again).error().code, Errc::kCrypto);
  }
}

TEST(HpkeTest, KnowsNoOtherKem) {
  for (const unsigned number : {0x0000U, 0x0011U, 0x0012U, 0x0021U, 0x0041U, 0x0051U, 0xFFFFU}) {
    EXPECT_EQ(hpke_kem(static_cast<std::uint16_t>(number)).error().code, Errc::kNotSupported);
  }
}

// Never another KEM in its place.
TEST(HpkeTest, RefusesTheHybridsWhereLibcryptoHasNoMlKem) {
  FixedRng rng("absent");
  for (const HpkeKem kem : {HpkeKem::kMlKem768P256, HpkeKem::kMlKem768X25519}) {
    const auto known = hpke_kem(static_cast<std::uint16_t>(kem));
    EXPECT_EQ(known.has_value(), has_ml_kem());
    if (has_ml_kem()) {
      continue;
    }
    EXPECT_EQ(known.error().code, Errc::kNotSupported);
    EXPECT_NE(known.error().detail.text().find("OpenSSL 3.5"), std::string_view::npos);
    EXPECT_EQ(KemPrivateKey::generate(kem, rng).error().code, Errc::kNotSupported);
    EXPECT_EQ(KemPrivateKey::from(kem, Bytes(32, 1)).error().code, Errc::kNotSupported);
    EXPECT_EQ(KemPublicKey::from(kem, Bytes(public_key_size(kem), 1)).error().code,
              Errc::kNotSupported);
  }
  EXPECT_EQ(rng.octets_drawn(), 0U);
  if (!has_ml_kem()) {
    EXPECT_EQ(ml_kem_public(Bytes(64, 1)).error().code, Errc::kNotSupported);
    EXPECT_EQ(ml_kem_encapsulate(Bytes(kMlKemPublicSize, 1), Bytes(32, 1)).error().code,
              Errc::kNotSupported);
    EXPECT_EQ(ml_kem_decapsulate(Bytes(64, 1), Bytes(kMlKemCiphertextSize, 1)).error().code,
              Errc::kNotSupported);
  }
  EXPECT_FALSE(library_version().empty());
}

// The hybrids. Where libcrypto has no ML-KEM these are skipped, and say so.
class HybridKemTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_ml_kem()) {
      GTEST_SKIP() << "libcrypto " << library_version()
                   << " has no ML-KEM-768: suites 20 and 21 are NOT tested here. scripts/openssl35 "
                      "builds one that has it";
    }
  }
  test::FixedRng rng_{"hybrids"};
};

// draft-connolly-cfrg-xwing-kem-10, appendix C; draft-ietf-hpke-pq-04
TEST_F(HybridKemTest, EncapsulatesAndDecapsulatesAsInTheDraftsVectors) {
  for_each_vector("kagibin/crypto/hpke/testdata/hybrid_kem.vec", [](VectorCase& vector) {
    const HpkeKem kem = kem_of(vector);
    const auto own = KemPrivateKey::from(kem, vector.octets("Seed"));
    ASSERT_TRUE(own.has_value());
    EXPECT_EQ(to_hex(own->public_key().octets()), to_hex(vector.octets("Public")));
    GivenRng rng(vector.octets("Random"));
    const auto sent = encapsulate(own->public_key(), rng);
    ASSERT_TRUE(sent.has_value());
    EXPECT_EQ(to_hex(sent->enc), to_hex(vector.octets("Enc")));
    EXPECT_EQ(to_hex(sent->shared.expose()), to_hex(vector.octets("Shared")));
    EXPECT_EQ(to_hex(decapsulate(*own, vector.octets("Enc"))->expose()),
              to_hex(vector.octets("Shared")));
  });
}

// draft-ietf-hpke-pq-04
TEST_F(HybridKemTest, SealsAndOpensAsInTheDraftsVectors) {
  for_each_vector("kagibin/crypto/hpke/testdata/hpke_pq.vec", [](VectorCase& vector) {
    const HpkeKem kem = kem_of(vector);
    const HpkeAead aead = aead_of(vector);
    const Bytes info = vector.octets("Info");
    const Bytes aad = vector.octets("Aad");
    const auto own = KemPrivateKey::from(kem, vector.octets("SkR")).value();
    EXPECT_EQ(own.public_key().octets(), vector.octets("PkR"));
    const auto keys = hpke_key_schedule(kem, aead, vector.octets("Shared"), info);
    EXPECT_EQ(to_hex(keys->key.expose()), to_hex(vector.octets("Key")));
    EXPECT_EQ(to_hex(keys->base_nonce.expose()), to_hex(vector.octets("Nonce")));
    GivenRng rng(vector.octets("IkmE"));
    const auto sealed =
        hpke_seal(aead, own.public_key(), {info, aad}, vector.octets("Plaintext"), rng).value();
    EXPECT_EQ(to_hex(sealed.enc), to_hex(vector.octets("Enc")));
    EXPECT_EQ(to_hex(sealed.ciphertext), to_hex(vector.octets("Ciphertext")));
    EXPECT_EQ(to_hex(hpke_open(aead, own, {info, aad}, sealed)->expose()),
              to_hex(vector.octets("Plaintext")));
  });
}

// NIST ACVP, ML-KEM FIPS 203: keyGen and encapDecap
TEST_F(HybridKemTest, UsesMlKemAsInTheVectorsOfNist) {
  for_each_vector("kagibin/crypto/hpke/testdata/ml_kem.vec", [](VectorCase& vector) {
    if (vector.section() == "KeyGen") {
      Bytes seed = vector.octets("D");
      append(seed, vector.octets("Z"));
      EXPECT_EQ(to_hex(*ml_kem_public(seed)), to_hex(vector.octets("Ek")));
      return;
    }
    const auto sent = ml_kem_encapsulate(vector.octets("Ek"), vector.octets("M"));
    ASSERT_TRUE(sent.has_value());
    EXPECT_EQ(to_hex(sent->ciphertext), to_hex(vector.octets("C")));
    EXPECT_EQ(to_hex(sent->shared.expose()), to_hex(vector.octets("K")));
  });
}

TEST_F(HybridKemTest, ChangesTheSecretWithEveryOctetOfTheEncapsulation) {
  for (const HpkeKem kem : {HpkeKem::kMlKem768P256, HpkeKem::kMlKem768X25519}) {
    const auto own = KemPrivateKey::generate(kem, rng_).value();
    const auto sealed =
        hpke_seal(HpkeAead::kAes256Gcm, own.public_key(), {}, Bytes(40, 1), rng_).value();
    ASSERT_EQ(sealed.enc.size(), encapsulation_size(kem));
    EXPECT_TRUE(hpke_open(HpkeAead::kAes256Gcm, own, {}, sealed));
    for (std::size_t i = 0; i < sealed.enc.size(); i += 37) {
      HpkeSealed changed = sealed;
      changed.enc[i] ^= 1U;
      EXPECT_EQ(hpke_open(HpkeAead::kAes256Gcm, own, {}, changed).error().code,
                Errc::kAuthentication);
    }
    HpkeSealed cut = sealed;
    cut.enc.pop_back();
    EXPECT_EQ(hpke_open(HpkeAead::kAes256Gcm, own, {}, cut).error().code, Errc::kAuthentication);
  }
}

// The encapsulation key check of FIPS 203, section 7.2.
TEST_F(HybridKemTest, RefusesPublicKeysThatAreNone) {
  for (const HpkeKem kem : {HpkeKem::kMlKem768P256, HpkeKem::kMlKem768X25519}) {
    const Bytes good = KemPrivateKey::generate(kem, rng_)->public_key().octets();
    EXPECT_TRUE(KemPublicKey::from(kem, good));
    Bytes large = good;
    large[0] = 0xFF;  // a coefficient of 4095, above q
    large[1] |= 0x0FU;
    EXPECT_EQ(KemPublicKey::from(kem, large).error().code, Errc::kValue);
    EXPECT_EQ(KemPublicKey::from(kem, ByteView(good).first(good.size() - 1)).error().code,
              Errc::kLength);
  }
  Bytes off = KemPrivateKey::generate(HpkeKem::kMlKem768P256, rng_)->public_key().octets();
  off.back() ^= 1U;
  EXPECT_EQ(KemPublicKey::from(HpkeKem::kMlKem768P256, off).error().code, Errc::kValue);
}

}  // namespace
}  // namespace kagibin::crypto
