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

TEST(RelayChoiceTest, OsIsForPayloadsThatSaySoAndForNoOthers) {
  EXPECT_EQ(choose_relay({.offered = 0x10, .own_delivery = true}).level, 5);
  const RelayChoice relayed = choose_relay({.offered = 0x03, .own_delivery = true});
  EXPECT_EQ(relayed.level, 0);
  EXPECT_NE(relayed.remedy.find("own_delivery"), std::string::npos) << relayed.remedy;
  EXPECT_EQ(choose_relay({.offered = 0x10, .agreement_key_version = 0x03}).level, 0);
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
}

// A policy that asks for RL2 gets no RL3 in its place: the device alone would choose.
TEST(RelayChoiceTest, HidingTheDomainsCertificateMovesNothingFromRl2ToRl3) {
  RelayFacts hidden{.offered = 0x05, .agreement_key_version = 0x03, .has_exclusive_keys = true};
  for (const auto [minimum, level] : {std::pair{1, 3}, {2, 1}, {3, 3}}) {
    hidden.minimum_level = static_cast<std::uint8_t>(minimum);
    const RelayChoice relay = choose_relay(hidden);
    EXPECT_EQ(relay.level, level) << minimum;
    EXPECT_EQ(relay.remedy.find("CERT.SD") != std::string::npos, minimum == 2) << relay.remedy;
  }
}

// Protocol, 8, RL4: SCP11a, an exclusive static Key-DEK, and suite 20 or 21.
TEST(RelayChoiceTest, Rl4NeedsAllOfIt) {
  const RelayFacts all{.offered = 0x0F,
                       .agreement_key_version = 0x03,
                       .is_hybrid = true,
                       .has_exclusive_keys = true,
                       .has_static_dek = true,
                       .has_exclusive_dek = true};
  for (std::uint8_t minimum = 0; minimum <= 4; ++minimum) {
    RelayFacts facts = all;
    facts.minimum_level = minimum;
    EXPECT_EQ(choose_relay(facts).level, 4) << int{minimum};
    EXPECT_EQ(highest_level(facts).value_or(0), 4) << int{minimum};
  }
  const auto without = [&](auto change) {
    RelayFacts facts = all;
    facts.minimum_level = 4;
    change(facts);
    const RelayChoice relay = choose_relay(facts);
    EXPECT_NE(relay.remedy.find("Key-DEK"), std::string::npos) << relay.remedy;
    return int{relay.level};
  };
  // RL3 is left, and RL2 is not: the domain opens under its static Key-DEK.
  EXPECT_EQ(without([](auto& f) { f.is_hybrid = false; }), 3);
  EXPECT_EQ(without([](auto& f) { f.has_exclusive_dek = false; }), 3);
  EXPECT_EQ(without([](auto& f) { f.offered = 0x07; }), 3);
  EXPECT_EQ(without([](auto& f) { f.key_under_session_alone = true; }), 3);
  EXPECT_EQ(without([](auto& f) { f.agreement_key_version.reset(); }), 3);
  EXPECT_EQ(without([](auto& f) { f.has_exclusive_dek = f.has_exclusive_keys = false; }), 1);
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
  const auto no_dek = highest(0x03, 4, true);
  ASSERT_FALSE(no_dek);
  EXPECT_NE(no_dek.error().text.find("Key-DEK"), std::string::npos) << no_dek.error().text;
}

}  // namespace
}  // namespace kagibin::roles::service_provider
