// SPDX-License-Identifier: Apache-2.0
// The model of kagibin/crypto keeps what the protocol needs of it: it is what stands in this
// program, decrypting undoes encrypting, two sides agree on one key, and what was changed by a bit
// or is under another key is refused.
#include <gtest/gtest.h>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/ec/ecdh.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/crypto/ed25519/ed25519.h"
#include "kagibin/crypto/hpke/hpke.h"
#include "kagibin/crypto/sha256.h"

#include "tests/support/fixed_rng.h"
#include "tests/support/must.h"

namespace kagibin::crypto {
namespace {

using test::must;

Bytes counting(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) {
    out[i] = static_cast<std::uint8_t>(i);
  }
  return out;
}

Bytes with_flipped_bit(Bytes octets, std::size_t at) {
  octets.at(at) ^= 0x01U;
  return octets;
}

// SHA-256 of "abc" is another value.
TEST(ModelCryptoTest, IsWhatStandsInThisProgram) {
  EXPECT_NE(to_hex(sha256(ascii("abc"))),
            "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD");
}

TEST(ModelCryptoTest, HashesPiecesAsOneStringAndTellsOctetsApart) {
  const Bytes octets = counting(100);
  const Digest256 whole = sha256(octets);
  for (std::size_t cut = 0; cut <= octets.size(); ++cut) {
    EXPECT_EQ(whole, sha256({ByteView(octets).first(cut), ByteView(octets).subspan(cut)})) << cut;
    EXPECT_NE(whole, sha256(ByteView(octets).first(cut % octets.size()))) << cut;
  }
  for (std::size_t i = 0; i < octets.size(); ++i) {
    EXPECT_NE(whole, sha256(with_flipped_bit(octets, i))) << i;
  }
}

TEST(ModelCryptoTest, DecryptsWhatItEncryptedAndNothingUnderAnotherKey) {
  const Bytes key = counting(16);
  const Bytes other = with_flipped_bit(key, 3);
  const Bytes plain = counting(64);
  const AesBlock iv{1, 2, 3};
  const Bytes cipher = must(aes_cbc_encrypt(key, iv, plain));
  EXPECT_FALSE(equal(cipher, plain));
  EXPECT_TRUE(equal(must(aes_cbc_decrypt(key, iv, cipher)).expose(), plain));
  EXPECT_FALSE(equal(must(aes_cbc_decrypt(other, iv, cipher)).expose(), plain));
  EXPECT_NE(must(aes_kcv(key)), must(aes_kcv(other)));
  EXPECT_NE(must(aes_cmac(key, {plain})), must(aes_cmac(other, {plain})));
  EXPECT_EQ(aes_cbc_encrypt(key, iv, counting(15)).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(aes_cmac(counting(15), {plain}).error().code, Errc::kInvalidArgument);
}

TEST(ModelCryptoTest, OpensNothingThatWasChanged) {
  const Bytes key = counting(32);
  const Bytes nonce = counting(12);
  const Bytes sealed = must(aes_gcm_seal(key, nonce, ascii("aad"), counting(40)));
  EXPECT_TRUE(equal(must(aes_gcm_open(key, nonce, ascii("aad"), sealed)).expose(), counting(40)));
  EXPECT_EQ(aes_gcm_open(key, nonce, ascii("AAD"), sealed).error().code, Errc::kAuthentication);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    EXPECT_EQ(aes_gcm_open(key, nonce, ascii("aad"), with_flipped_bit(sealed, i)).error().code,
              Errc::kAuthentication)
        << i;
  }
}

TEST(ModelCryptoTest, BothSidesAgreeAndAThirdDoesNot) {
  test::FixedRng rng("agreement");
  const EcPrivateKey one = must(EcPrivateKey::generate(rng));
  const EcPrivateKey two = must(EcPrivateKey::generate(rng));
  const EcPrivateKey three = must(EcPrivateKey::generate(rng));
  const auto z = must(ecdh(one, two.public_key()));
  EXPECT_TRUE(equal(z.expose(), must(ecdh(two, one.public_key())).expose()));
  EXPECT_FALSE(equal(z.expose(), must(ecdh(three, one.public_key())).expose()));
  EXPECT_EQ(must(EcPrivateKey::from_scalar(one.expose_scalar())).public_key(), one.public_key());
}

TEST(ModelCryptoTest, RefusesOctetsThatAreNoPoint) {
  test::FixedRng rng("points");
  const EcPoint point = must(EcPrivateKey::generate(rng)).public_key().point();
  const Bytes octets(point.begin(), point.end());
  EXPECT_TRUE(EcPublicKey::from_point(octets).has_value());
  for (std::size_t i = 0; i < octets.size(); ++i) {
    EXPECT_FALSE(EcPublicKey::from_point(with_flipped_bit(octets, i)).has_value()) << i;
    EXPECT_FALSE(EcPublicKey::from_point(ByteView(octets).first(i)).has_value()) << i;
  }
}

TEST(ModelCryptoTest, RefusesSignaturesOfOthersAndOfOtherMessages) {
  test::FixedRng rng("signatures");
  const EcPrivateKey key = must(EcPrivateKey::generate(rng));
  const EcPublicKey other = must(EcPrivateKey::generate(rng)).public_key();
  const Bytes raw = must(ecdsa_sign_raw(key, {ascii("message")}, rng));
  EXPECT_TRUE(ecdsa_verify_raw(key.public_key(), {ascii("message")}, raw));
  EXPECT_FALSE(ecdsa_verify_raw(other, {ascii("message")}, raw));
  EXPECT_FALSE(ecdsa_verify_raw(key.public_key(), {ascii("massage")}, raw));
  for (std::size_t i = 0; i < raw.size(); ++i) {
    EXPECT_FALSE(ecdsa_verify_raw(key.public_key(), {ascii("message")}, with_flipped_bit(raw, i)));
  }
  const Bytes der = must(ecdsa_sign_der(key, {ascii("message")}, rng));
  EXPECT_TRUE(ecdsa_verify_der(key.public_key(), {ascii("message")}, der));

  const Ed25519PrivateKey log = must(Ed25519PrivateKey::generate(rng));
  const Ed25519Signature signature = must(log.sign(ascii("note")));
  EXPECT_TRUE(ed25519_verify(log.public_key(), ascii("note"), signature));
  EXPECT_FALSE(ed25519_verify(log.public_key(), ascii("vote"), signature));
  EXPECT_FALSE(ed25519_verify(must(Ed25519PrivateKey::generate(rng)).public_key(), ascii("note"),
                              signature));
}

// The code of the real one over the model's primitives.
TEST(ModelCryptoTest, SealsToOneKeyAlone) {
  test::FixedRng rng("hpke");
  const EcPrivateKey own = must(EcPrivateKey::generate(rng));
  const EcPrivateKey other = must(EcPrivateKey::generate(rng));
  const HpkeContext context{.info = ascii("info"), .aad = ascii("aad")};
  const HpkeSealed sealed =
      must(hpke_seal(HpkeAead::kAes128Gcm, own.public_key(), context, counting(24), rng));
  EXPECT_TRUE(
      equal(must(hpke_open(HpkeAead::kAes128Gcm, KemPrivateKey::of(own), context, sealed)).expose(),
            counting(24)));
  EXPECT_EQ(hpke_open(HpkeAead::kAes128Gcm, KemPrivateKey::of(other), context, sealed).error().code,
            Errc::kAuthentication);
}

}  // namespace
}  // namespace kagibin::crypto
