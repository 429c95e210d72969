// SPDX-License-Identifier: Apache-2.0
#include "kagibin/pki/verified_signatures.h"

#include <gtest/gtest.h>

#include "tests/support/fixed_rng.h"

namespace kagibin::pki {
namespace {

crypto::Digest256 numbered(std::size_t number) {
  const std::array<std::uint8_t, 2> octets = {static_cast<std::uint8_t>(number >> 8U),
                                              static_cast<std::uint8_t>(number & 0xFFU)};
  return crypto::sha256(ByteView(octets));
}

TEST(VerifiedSignaturesTest, KnowsWhatItWasTold) {
  VerifiedSignatures known;
  EXPECT_FALSE(known.contains(numbered(1)));
  EXPECT_FALSE(known.contains(crypto::Digest256{}));  // an empty place is no certificate
  known.remember(numbered(1));
  EXPECT_TRUE(known.contains(numbered(1)));
  EXPECT_FALSE(known.contains(numbered(2)));
}

TEST(VerifiedSignaturesTest, TheOldestMakesRoom) {
  VerifiedSignatures known;
  for (std::size_t i = 0; i <= VerifiedSignatures::kCapacity; ++i) {
    known.remember(numbered(i));
  }
  EXPECT_FALSE(known.contains(numbered(0)));
  for (std::size_t i = 1; i <= VerifiedSignatures::kCapacity; ++i) {
    EXPECT_TRUE(known.contains(numbered(i))) << i;
  }
}

TEST(VerifiedSignaturesTest, TheNameCoversTheKeyAndEveryOctet) {
  test::FixedRng rng("names");
  const auto one = crypto::EcPrivateKey::generate(rng).value();
  const auto other = crypto::EcPrivateKey::generate(rng).value();
  Bytes certificate(40, 0x11);
  const auto name = VerifiedSignatures::name(one.public_key(), certificate);
  EXPECT_NE(name, VerifiedSignatures::name(other.public_key(), certificate));
  for (std::uint8_t& octet : certificate) {
    octet ^= 0x01U;
    EXPECT_NE(name, VerifiedSignatures::name(one.public_key(), certificate));
    octet ^= 0x01U;
  }
}

}  // namespace
}  // namespace kagibin::pki
