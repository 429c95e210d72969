// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/relay_choice.h"

#include <utility>

#include <gtest/gtest.h>

namespace kagibin::roles::service_provider {
namespace {

TEST(RelayChoiceTest, Rl2NeedsTheElementsOfferAndThePayloadsWord) {
  EXPECT_EQ(choose_relay({.offered = 0x03, .agreement_key_version = 0x03}).level, 2);
  EXPECT_EQ(choose_relay({.offered = 0x02, .agreement_key_version = 0x03}).level, 2);
  const RelayChoice silent = choose_relay({.offered = 0x03, .agreement_key_version = {}});
  EXPECT_EQ(silent.level, 1);
  EXPECT_NE(silent.remedy.find("agreement_key_version"), std::string::npos) << silent.remedy;
  const RelayChoice unable = choose_relay({.offered = 0x01, .agreement_key_version = 0x03});
  EXPECT_EQ(unable.level, 1);
  EXPECT_NE(unable.remedy.find("CERT.SD"), std::string::npos) << unable.remedy;
}

TEST(RelayChoiceTest, WhatIsNotBuiltOrNotOfferedIsNoLevel) {
  EXPECT_EQ(choose_relay({.offered = 0x02, .agreement_key_version = {}}).level, 0);
  EXPECT_EQ(choose_relay({.offered = 0x08, .agreement_key_version = 0x03}).level, 0);
}

// Protocol, 8, RL3: under a key set that the provider alone knows.
TEST(RelayChoiceTest, Rl3NeedsTheElementsOfferAndAnExclusiveSet) {
  EXPECT_EQ(choose_relay({.offered = 0x05, .has_exclusive_keys = true}).level, 3);
  EXPECT_TRUE(choose_relay({.offered = 0x05, .has_exclusive_keys = true}).remedy.empty());
  EXPECT_EQ(choose_relay({.offered = 0x01, .has_exclusive_keys = true}).level, 1);
  const RelayChoice exported = choose_relay({.offered = 0x05, .minimum_level = 3});
  EXPECT_EQ(exported.level, 1);
  EXPECT_NE(exported.remedy.find("agree-keys"), std::string::npos) << exported.remedy;
}

TEST(RelayChoiceTest, ThePolicySaysWhichOfTwoLevelsIsTaken) {
  const RelayFacts both{.offered = 0x07, .agreement_key_version = 0x03, .has_exclusive_keys = true};
  for (const auto [minimum, level] : {std::pair{0, 2}, {1, 2}, {2, 2}, {3, 3}, {4, 3}}) {
    RelayFacts facts = both;
    facts.minimum_level = static_cast<std::uint8_t>(minimum);
    EXPECT_EQ(choose_relay(facts).level, level) << minimum;
  }
  RelayFacts hidden = both;  // the device kept CERT.SD to itself, or the floor is RL3
  hidden.offered = 0x05;
  EXPECT_EQ(choose_relay(hidden).level, 3);
}

TEST(RelayChoiceTest, WhatAPayloadCannotReachIsSaidBeforeItIsOrdered) {
  const auto highest = [](std::optional<std::uint8_t> agreement, int minimum, bool exclusive) {
    return highest_level({.agreement_key_version = agreement,
                          .has_exclusive_keys = exclusive,
                          .minimum_level = static_cast<std::uint8_t>(minimum)});
  };
  EXPECT_EQ(highest(0x03, 1, false).value_or(0), 2);
  EXPECT_EQ(highest(0x03, 2, false).value_or(0), 2);
  EXPECT_EQ(highest({}, 1, false).value_or(0), 1);
  EXPECT_EQ(highest({}, 2, true).value_or(0), 3);
  EXPECT_EQ(highest(0x03, 3, true).value_or(0), 3);
  const auto silent = highest({}, 2, false);
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, Errc::kPolicy);
  EXPECT_NE(silent.error().text.find("agreement_key_version"), std::string::npos);
  const auto exported = highest(0x03, 3, false);
  ASSERT_FALSE(exported);
  EXPECT_EQ(exported.error().code, Errc::kPolicy);
  EXPECT_NE(exported.error().text.find("agree-keys"), std::string::npos) << exported.error().text;
  const auto unbuilt = highest(0x03, 4, true);
  ASSERT_FALSE(unbuilt);
  EXPECT_NE(unbuilt.error().text.find("not built"), std::string::npos) << unbuilt.error().text;
}

}  // namespace
}  // namespace kagibin::roles::service_provider
