// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/suite_choice.h"

#include <gtest/gtest.h>

#include "kagibin/crypto/hpke/ml_kem.h"

namespace kagibin::roles::service_provider {
namespace {

Terms with(std::vector<std::uint8_t> suites) {
  Terms terms;
  terms.suites = std::move(suites);
  return terms;
}

TEST(SuiteChoiceTest, TakesThePolicysFirstUnlessTheOrderNamesAnother) {
  EXPECT_EQ(choose_suite(with({0x11, 0x01}), std::nullopt), 0x11);
  EXPECT_EQ(choose_suite(with({0x11, 0x01}), 0x01), 0x01);
}

TEST(SuiteChoiceTest, RefusesWhatThePolicyLacksAndSaysWhatWouldLiftIt) {
  const auto refused = choose_suite(with({0x10, 0x02}), 0x01);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kPolicy);
  EXPECT_NE(refused.error().text.find("policy.suites (10, 02)"), std::string::npos)
      << refused.error().text;
}

// Never another suite in its place.
TEST(SuiteChoiceTest, RefusesTheHybridsWhereLibcryptoHasNoMlKem) {
  for (const std::uint8_t suite : {std::uint8_t{0x20}, std::uint8_t{0x21}}) {
    const auto chosen = choose_suite(with({suite, 0x10}), std::nullopt);
    if (crypto::has_ml_kem()) {
      EXPECT_EQ(chosen, suite);
      continue;
    }
    ASSERT_FALSE(chosen);
    EXPECT_EQ(chosen.error().code, Errc::kNotSupported);
    for (const std::string& part :
         {std::string("needs OpenSSL 3.5 or later"), "this is " + crypto::library_version(),
          std::string("scripts/openssl35 builds one")}) {
      EXPECT_NE(chosen.error().text.find(part), std::string::npos) << chosen.error().text;
    }
  }
}

TEST(SuiteChoiceTest, ReadsTwoDigitsAndNamesWhatIsNotBuilt) {
  EXPECT_EQ(suite_by_name("10"), 0x10);
  EXPECT_EQ(suite_by_name("01"), 0x01);
  EXPECT_EQ(suite_by_name("03").error().code, Errc::kNotSupported);
  EXPECT_EQ(suite_by_name("08").error().code, Errc::kNotSupported);
  for (const char* text : {"", "1", "1010", "zz", "04", "hpke"}) {
    EXPECT_EQ(suite_by_name(text).error().code, Errc::kValue) << text;
  }
}

}  // namespace
}  // namespace kagibin::roles::service_provider
