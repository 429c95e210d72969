// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/x509/certificate_bundle.h"

#include <gtest/gtest.h>

#include "kagibin/crypto/x509/transport_x509.h"

#include "tests/support/fixed_rng.h"

namespace kagibin::crypto {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

struct CertificateBundleTest : testing::Test {
  std::string root(const EcPrivateKey& key, std::string_view name) {
    return self_signed_certificate(key, name, kNow, 10, true, rng).value();
  }
  test::FixedRng rng{"bundle"};
  EcPrivateKey first_key = EcPrivateKey::generate(rng).value();
  EcPrivateKey second_key = EcPrivateKey::generate(rng).value();
  std::string first = root(first_key, "first");
  std::string second = root(second_key, "second");
};

TEST_F(CertificateBundleTest, GivesEachCertificateInOrder) {
  EXPECT_EQ(split_certificates(first, 2).value(), (std::vector{first}));
  EXPECT_EQ(split_certificates(first + second, 2).value(), (std::vector{first, second}));
  EXPECT_EQ(split_certificates("\n" + second + "\r\n \n" + first, 2).value(),
            (std::vector{second, first}));
}

TEST_F(CertificateBundleTest, RefusesNoneTooManyTwiceAndWhatIsNoCertificate) {
  EXPECT_EQ(split_certificates("", 2).error().code, Errc::kValue);
  EXPECT_EQ(split_certificates(" \n", 2).error().code, Errc::kValue);
  EXPECT_EQ(split_certificates(first + first, 2).error().code, Errc::kValue);
  EXPECT_EQ(split_certificates(first + second, 1).error().code, Errc::kLimit);
  EXPECT_EQ(split_certificates("x" + first, 2).error().code, Errc::kEncoding);
  EXPECT_EQ(split_certificates(first + "x", 2).error().code, Errc::kEncoding);
  std::string damaged = first;
  damaged[100] = damaged[100] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(is_issued_by(damaged, first).value_or(false));
  for (std::size_t length = 1; length + 1 < first.size(); ++length) {
    EXPECT_FALSE(split_certificates(first.substr(0, length), 2).has_value()) << length;
  }
}

TEST_F(CertificateBundleTest, ARootSignsTheOneThatFollows) {
  const Bytes word = sign_successor(first_key, second, rng).value();
  EXPECT_TRUE(is_successor(second, first, word).value());
  EXPECT_FALSE(is_successor(root(second_key, "another"), first, word).value());
  EXPECT_FALSE(is_successor(second, second, word).value()) << "its own word counts for nothing";
  EXPECT_FALSE(is_successor(second, first, Bytes(word.begin(), word.end() - 1)).value());
  EXPECT_EQ(is_successor("x", first, word).error().code, Errc::kEncoding);
}

TEST_F(CertificateBundleTest, TellsAnIssuerByNameAndSignature) {
  const auto key = EcPrivateKey::generate(rng).value();
  const std::string issued =
      issue_certificate(first_key, first, certificate_request(key, "device:x").value(),
                        {.common_name = "device:x"}, kNow, 5, rng)
          .value();
  EXPECT_TRUE(is_issued_by(issued, first).value());
  EXPECT_FALSE(is_issued_by(issued, second).value());
  EXPECT_FALSE(is_issued_by(issued, root(second_key, "first")).value()) << "the name alone";
  EXPECT_FALSE(is_issued_by(issued, root(first_key, "second")).value()) << "the key alone";
  EXPECT_EQ(is_issued_by(issued, "x").error().code, Errc::kEncoding);
}

}  // namespace
}  // namespace kagibin::crypto
