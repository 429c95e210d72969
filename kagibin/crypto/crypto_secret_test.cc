// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "kagibin/crypto/aes.h"
#include "kagibin/crypto/cms.h"
#include "kagibin/crypto/ecdh.h"
#include "kagibin/crypto/transport_x509.h"
#include "tests/support/fixed_rng.h"

namespace kagibin::crypto {
namespace {

TEST(AesCmacTest, TakesTheEmptyMessage) {
  EXPECT_EQ(to_hex(aes_cmac(*from_hex("2B7E151628AED2A6ABF7158809CF4F3C"), {}).value()),
            "BB1D6929E95937287FA37D129B756746");
}

TEST(EcdhTest, BothSidesAgree) {
  test::FixedRng rng("ecdh");
  const auto a = EcPrivateKey::generate(rng).value();
  const auto b = EcPrivateKey::generate(rng).value();
  EXPECT_TRUE(ct_equal(ecdh(a, b.public_key())->expose(), ecdh(b, a.public_key())->expose()));
}

TEST(CmsTest, OpensWhatWasSealedAndNamesTheSigner) {
  test::FixedRng rng("cms");
  const auto a = EcPrivateKey::generate(rng).value();
  const auto b = EcPrivateKey::generate(rng).value();
  const auto cert_a = self_signed_certificate(a, "a", 1'700'000'000, 10, false, rng).value();
  const auto cert_b = self_signed_certificate(b, "b", 1'700'000'000, 10, false, rng).value();
  const auto file = cms_seal(ascii("content"), a, cert_a, cert_b);
  ASSERT_TRUE(file.has_value()) << file.error().detail.text();
  const auto got = cms_open(*file, b, cert_b);
  ASSERT_TRUE(got.has_value()) << got.error().detail.text();
  EXPECT_TRUE(equal(got->content.expose(), ascii("content")));
  EXPECT_EQ(got->signer, a.public_key());
}

}  // namespace
}  // namespace kagibin::crypto
