// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/ed25519/ed25519.h"

#include <gtest/gtest.h>

#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/key_file/key_file.h"

#include "tests/support/fixed_rng.h"

namespace kagibin::crypto {
namespace {

struct Case {
  const char* seed;
  const char* public_key;
  const char* message;
  const char* signature;
};
// RFC 8032, 7.1, TEST 1 to 3.
constexpr Case kRfc8032[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "4"
     "6bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d"
     "8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6"
     "594a7c15e9716ed28dc027beceea1ec40a"},
};

// RFC 8032, 5.1.6, 5.1.7, 7.1: signing and verifying
TEST(Ed25519Test, SignsAndVerifiesTheVectorsOfRfc8032) {
  for (const Case& one : kRfc8032) {
    const auto key = Ed25519PrivateKey::from_seed(*from_hex(one.seed)).value();
    const Bytes message = *from_hex(one.message);
    EXPECT_EQ(Bytes(key.public_key().begin(), key.public_key().end()), *from_hex(one.public_key));
    const Ed25519Signature signature = key.sign(message).value();
    EXPECT_EQ(Bytes(signature.begin(), signature.end()), *from_hex(one.signature));
    EXPECT_TRUE(ed25519_verify(key.public_key(), message, signature));
  }
}

TEST(Ed25519Test, EveryFlippedBitAndEveryCutIsRefused) {
  const auto key = Ed25519PrivateKey::from_seed(*from_hex(kRfc8032[2].seed)).value();
  const Bytes message = *from_hex(kRfc8032[2].message);
  const Ed25519Signature good = key.sign(message).value();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Ed25519Signature bad = good;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
    EXPECT_FALSE(ed25519_verify(key.public_key(), message, bad)) << bit;
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(ed25519_verify(key.public_key(), message, ByteView(good).first(size)));
  }
  EXPECT_FALSE(ed25519_verify(key.public_key(), Bytes{0xAF, 0x83}, good));
  EXPECT_FALSE(ed25519_verify(Ed25519PublicKey{}, message, good));
}

TEST(Ed25519Test, AKeyComesBackFromItsFileAndOthersAreRefused) {
  test::FixedRng rng("ed25519");
  const auto key = Ed25519PrivateKey::generate(rng).value();
  const SecretBytes pem = key.to_pem().value();
  EXPECT_EQ(Ed25519PrivateKey::from_pem(pem.expose())->public_key(), key.public_key());
  EXPECT_EQ(Ed25519PrivateKey::from_pem(ascii("-----BEGIN")).error().code, Errc::kEncoding);
  const auto other = EcPrivateKey::generate(rng).value();
  EXPECT_EQ(Ed25519PrivateKey::from_pem(private_key_to_pem(other)->expose()).error().code,
            Errc::kValue);
  EXPECT_EQ(Ed25519PrivateKey::from_seed(Bytes(31)).error().code, Errc::kValue);
}

}  // namespace
}  // namespace kagibin::crypto
