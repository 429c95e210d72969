// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/relay_choice.h"

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

TEST(RelayChoiceTest, WhatAPayloadCannotReachIsSaidBeforeItIsOrdered) {
  EXPECT_EQ(highest_level(0x03, 1).value_or(0), 2);
  EXPECT_EQ(highest_level(0x03, 2).value_or(0), 2);
  EXPECT_EQ(highest_level({}, 1).value_or(0), 1);
  const auto silent = highest_level({}, 2);
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, Errc::kPolicy);
  EXPECT_NE(silent.error().text.find("agreement_key_version"), std::string::npos);
  for (const std::uint8_t level : {std::uint8_t{3}, std::uint8_t{4}}) {
    const auto unbuilt = highest_level(0x03, level);
    ASSERT_FALSE(unbuilt);
    EXPECT_NE(unbuilt.error().text.find("not built"), std::string::npos) << unbuilt.error().text;
  }
}

}  // namespace
}  // namespace kagibin::roles::service_provider
