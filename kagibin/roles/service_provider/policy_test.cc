// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/policy.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace kagibin::roles::service_provider {
namespace {

constexpr std::string_view kHash =
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
constexpr std::string_view kSeid = "00112233445566778899AABBCCDDEEFF";
constexpr std::string_view kTarget = "A0000005591010";
constexpr std::string_view kOther = "A0000005591011";

std::string policy_text() {
  return R"({"minimum_level":"RL1","accept_rl1":"reason","issuer_is_carrier":false,)"
         R"("suites":["01"],"attestation_profiles":["ATT-1"],"kda_code_hashes":[")" +
         std::string(kHash) + R"("],"elements":[{"device":"phone-7","seid":")" +
         std::string(kSeid) + R"("}],"maximum_validity_minutes":60})";
}

// The text with one piece exchanged; the piece has to be there.
std::string with(const std::string& from, const std::string& to) {
  std::string text = policy_text();
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

SealingQuestion question() {
  return {.device = "phone-7",
          .seid = *Seid::from_hex(kSeid),
          .target = *Aid::from_hex(kTarget),
          .how = {.level = 1,
                  .suite = 1,
                  .attestation = pki::AttestationProfile::kAtt1,
                  .code_hash = *to_array<32>(*from_hex(kHash)),
                  .validity_minutes = 60}};
}

TEST(PolicyTest, AllowsWhatItStates) {
  const auto policy = Policy::parse(policy_text());
  ASSERT_TRUE(policy) << policy.error().text;
  EXPECT_EQ(policy->required_i_mask, 0x60) << "the default of the mask has to be the strong one";
  const auto allowed = policy->allow_sealing(question());
  EXPECT_TRUE(allowed) << allowed.error().text;
}

TEST(PolicyTest, NoEnrolmentIsKeptUnlessItSaysForHowLong) {
  EXPECT_EQ(Policy::parse(policy_text())->keep_enrolment_minutes, 0U);
  const auto keeping = [](const std::string& value) {
    return Policy::parse(with("\"suites\"", "\"keep_enrolment_minutes\":" + value + ",\"suites\""));
  };
  ASSERT_TRUE(keeping("43200"));
  EXPECT_EQ(keeping("43200")->keep_enrolment_minutes, 43'200U);
  for (const std::string refused : {"0", "1000001", "-1", "\"60\"", "true"}) {
    EXPECT_FALSE(keeping(refused)) << refused;
  }
}

TEST(PolicyTest, TokenOnlyAllowsNoEnvelopeWithKeysInIt) {
  EXPECT_FALSE(Policy::parse(policy_text())->token_only);
  EXPECT_FALSE(Policy::parse(with("\"suites\"", "\"token_only\":1,\"suites\"")));
  const auto policy = Policy::parse(with("\"suites\"", "\"token_only\":true,\"suites\""));
  ASSERT_TRUE(policy) << policy.error().text;
  for (std::uint8_t level = 1; level <= 5; ++level) {
    for (const bool puts_values : {false, true}) {
      SealingQuestion asked = question();
      asked.how.level = level;
      asked.puts_values = puts_values;
      const auto answer = policy->allow_sealing(asked);
      const bool carries_channel_keys = level == 1 || level == 3 || level == 4;
      EXPECT_EQ(answer.has_value(), !puts_values && !carries_channel_keys) << int{level};
      if (!answer) {
        EXPECT_EQ(answer.error().code, Errc::kPolicy);
        EXPECT_NE(answer.error().text.find("policy.token_only"), std::string::npos);
        EXPECT_NE(answer.error().text.find("take token_only out"), std::string::npos)
            << "it says what lifts it";
      }
    }
  }
}

TEST(PolicyTest, EveryRequiredMemberIsMissed) {
  for (const std::string member : {"minimum_level", "suites", "attestation_profiles",
                                   "kda_code_hashes", "elements", "maximum_validity_minutes"}) {
    const auto policy = Policy::parse(with("\"" + member + "\"", "\"x_" + member + "\""));
    ASSERT_FALSE(policy) << member;
    EXPECT_NE(policy.error().text.find(member), std::string::npos) << policy.error().text;
  }
}

TEST(PolicyTest, UnknownAndRepeatedMembersAreRefused) {
  const auto unknown = Policy::parse(with("\"suites\"", "\"relax\":true,\"suites\""));
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().text.find("policy.relax"), std::string::npos);
  const auto twice = Policy::parse(with("\"suites\"", "\"minimum_level\":\"RL2\",\"suites\""));
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().text.find("minimum_level"), std::string::npos);
  EXPECT_FALSE(Policy::parse(policy_text() + "{}"));
  EXPECT_FALSE(Policy::parse("[]"));
  EXPECT_FALSE(Policy::parse(""));
}

TEST(PolicyTest, SuitesKeepTheirOrderAndStandOnce) {
  const auto policy = Policy::parse(with("[\"01\"]", "[\"20\",\"10\",\"01\"]"));
  ASSERT_TRUE(policy) << policy.error().text;
  EXPECT_EQ(policy->suites, (std::vector<std::uint8_t>{0x20, 0x10, 0x01}));
  EXPECT_EQ(Policy::parse(with("[\"01\"]", "[\"10\",\"10\"]")).error().code, Errc::kConflict);
  EXPECT_EQ(Policy::parse(with("[\"01\"]", "[\"03\"]")).error().code, Errc::kNotSupported);
  EXPECT_EQ(Policy::parse(with("[\"01\"]", "[\"04\"]")).error().code, Errc::kValue);
  SealingQuestion asked = question();
  asked.how.suite = 0x02;
  const auto refused = policy->allow_sealing(asked);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("policy.suites (20, 10, 01)"), std::string::npos)
      << refused.error().text;
}

TEST(PolicyTest, Rl1NeedsAReasonAndTwoCompanies) {
  const auto silent = Policy::parse(with("\"accept_rl1\":\"reason\",", ""));
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, Errc::kPolicy);
  const auto one_company =
      Policy::parse(with("\"issuer_is_carrier\":false", "\"issuer_is_carrier\":true"));
  ASSERT_FALSE(one_company);
  EXPECT_EQ(one_company.error().code, Errc::kPolicy);
  EXPECT_FALSE(Policy::parse(with(",\"issuer_is_carrier\":false", "")));
  EXPECT_FALSE(Policy::parse(with("\"reason\"", "\"\"")));
}

TEST(PolicyTest, HigherLevelsTakeNoWordAboutRl1AndRefuseIt) {
  EXPECT_FALSE(Policy::parse(with("RL1", "RL2")));
  std::string text = with("RL1", "RL2");
  const std::string gone = "\"accept_rl1\":\"reason\",\"issuer_is_carrier\":false,";
  text.erase(text.find(gone), gone.size());
  const auto policy = Policy::parse(text);
  ASSERT_TRUE(policy) << policy.error().text;
  const auto refused = policy->allow_sealing(question());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kPolicy);
}

TEST(PolicyTest, WhatIsNeverDeliverableOrNotBuiltIsNamed) {
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"RL1", "RL0"},
                                 {"RL1", "RL5"},
                                 {"ATT-1", "ATT-0"},
                                 {"ATT-1", "ATT-9"},
                                 {"[\"01\"]", "[\"03\"]"},
                                 {"[\"01\"]", "[\"99\"]"},
                                 {"[\"01\"]", "[]"},
                                 {"[\"01\"]", "[1]"},
                                 {"60}", "0}"},
                                 {"60}", "1.5}"},
                                 {"60}", "60,\"required_i_mask\":\"6\"}"},
                                 {std::string(kHash), "AB"},
                                 {std::string(kSeid), "00"}}) {
    const auto policy = Policy::parse(with(from, to));
    ASSERT_FALSE(policy) << from << " -> " << to;
    EXPECT_GT(policy.error().text.size(), 20U);
  }
}

TEST(PolicyTest, AttestationByACasdHasToBeNamed) {
  const auto refused = [](const Policy& policy, pki::AttestationProfile attestation) {
    SealingQuestion asked = question();
    asked.how.attestation = attestation;
    const auto answer = policy.allow_sealing(asked);
    return answer ? std::string() : answer.error().text;
  };
  using enum pki::AttestationProfile;
  const Policy first = Policy::parse(policy_text()).value();
  EXPECT_EQ(refused(first, kAtt1), "");
  EXPECT_NE(refused(first, kAtt2).find("Name ATT-2 there"), std::string::npos);
  const Policy second = Policy::parse(with("\"ATT-1\"", "\"ATT-2\"")).value();
  EXPECT_EQ(refused(second, kAtt2), "");
  EXPECT_NE(refused(second, kAtt1).find("Name ATT-1 there"), std::string::npos);
  const Policy both = Policy::parse(with("\"ATT-1\"", "\"ATT-1\",\"ATT-2\"")).value();
  EXPECT_EQ(refused(both, kAtt1) + refused(both, kAtt2), "");
  EXPECT_NE(refused(both, kAtt0), "");
}

TEST(PolicyTest, ADeviceHasOneElementAndAnElementOneDevice) {
  const std::string entry = R"({"device":"phone-7","seid":")" + std::string(kSeid) + "\"}";
  const std::string other_seid =
      R"({"device":"phone-7","seid":"FF112233445566778899AABBCCDDEEFF"})";
  const std::string other_device = R"({"device":"phone-8","seid":")" + std::string(kSeid) + "\"}";
  EXPECT_FALSE(Policy::parse(with(entry, entry + "," + other_seid)));
  EXPECT_FALSE(Policy::parse(with(entry, entry + "," + other_device)));
  const auto nobody = Policy::parse(policy_text())->element_of("phone-9");
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, Errc::kPolicy);
}

TEST(PolicyTest, EveryPartOfTheQuestionIsAsked) {
  const Policy policy = Policy::parse(policy_text()).value();
  const auto refused = [&](auto change) {
    SealingQuestion asked = question();
    change(asked);
    const auto answer = policy.allow_sealing(asked);
    return !answer && answer.error().code == Errc::kPolicy && answer.error().text.size() > 20;
  };
  EXPECT_TRUE(refused([](auto& q) { q.device = "phone-8"; }));
  EXPECT_TRUE(refused([](auto& q) { q.seid.octets[0] ^= 1; }));
  EXPECT_TRUE(refused([](auto& q) { q.how.level = 0; }));
  EXPECT_TRUE(refused([](auto& q) { q.how.suite = 2; }));
  EXPECT_TRUE(refused([](auto& q) { q.how.attestation = pki::AttestationProfile::kAtt0; }));
  EXPECT_TRUE(refused([](auto& q) { q.how.code_hash[0] ^= 1; }));
  EXPECT_TRUE(refused([](auto& q) { q.how.validity_minutes = 61; }));
}

std::string with_targets(const std::string& entries) {
  return with("\"suites\"", "\"targets\":[" + entries + "],\"suites\"");
}

std::string entry(std::string_view aid, const std::string& members) {
  return "{\"aid\":\"" + std::string(aid) + "\"" + (members.empty() ? "" : ",") + members + "}";
}

// What an order in these terms for this target is refused for; empty: it is not.
std::string refusal(const Policy& policy, std::string_view target, const SealingTerms& how) {
  SealingQuestion asked = question();
  asked.target = *Aid::from_hex(target);
  asked.how = how;
  const auto answer = policy.allow_sealing(asked);
  return answer ? std::string() : answer.error().text;
}

TEST(PolicyTest, EveryTermCanBeStatedAnewForATarget) {
  const std::string other_hash(64, 'B');
  SealingTerms good = question().how;
  good.level = 2;
  struct Case {
    std::string members;
    void (*lift)(SealingTerms&);
    std::string named;
  };
  const std::vector<Case> cases = {
      {R"("minimum_level":"RL3")", [](SealingTerms& how) { how.level = 3; }, "RL3"},
      {R"("suites":["02"])", [](SealingTerms& how) { how.suite = 2; }, "policy.targets[0].suites"},
      {R"("attestation_profiles":["ATT-2"])",
       [](SealingTerms& how) { how.attestation = pki::AttestationProfile::kAtt2; },
       "policy.targets[0].attestation_profiles"},
      {R"("kda_code_hashes":[")" + other_hash + "\"]",
       [](SealingTerms& how) { how.code_hash.fill(0xBB); }, "policy.targets[0].kda_code_hashes"},
      {R"("maximum_validity_minutes":5)", [](SealingTerms& how) { how.validity_minutes = 5; },
       "allows 5"}};
  for (const Case& one : cases) {
    const auto policy = Policy::parse(with_targets(entry(kTarget, one.members)));
    ASSERT_TRUE(policy) << one.members << ": " << policy.error().text;
    EXPECT_EQ(refusal(*policy, kOther, good), "") << one.members;
    EXPECT_NE(refusal(*policy, kTarget, good).find(one.named), std::string::npos)
        << refusal(*policy, kTarget, good);
    SealingTerms lifted = good;
    one.lift(lifted);
    EXPECT_EQ(refusal(*policy, kTarget, lifted), "") << one.members;
  }
  const auto policy = Policy::parse(
      with_targets(entry(kTarget, R"("required_i_mask":"20","keep_enrolment_minutes":7)")));
  ASSERT_TRUE(policy) << policy.error().text;
  EXPECT_EQ(policy->terms_for(*Aid::from_hex(kTarget)).required_i_mask, 0x20);
  EXPECT_EQ(policy->terms_for(*Aid::from_hex(kTarget)).keep_enrolment_minutes, 7U);
  EXPECT_EQ(policy->terms_for(*Aid::from_hex(kOther)).required_i_mask, 0x60);
  EXPECT_EQ(policy->terms_for(*Aid::from_hex(kOther)).keep_enrolment_minutes, 0U);
}

TEST(PolicyTest, Rl1IsAcceptedForATargetByItsOwnEntryAlone) {
  // Accepted for all, and raised for one: the general acceptance does not reach it.
  const Policy raised =
      Policy::parse(with_targets(entry(kTarget, R"("minimum_level":"RL2")"))).value();
  EXPECT_NE(refusal(raised, kTarget, question().how), "");
  EXPECT_EQ(refusal(raised, kOther, question().how), "");
  // Refused for all, and accepted for one, with its reason.
  std::string text = with("RL1", "RL2");
  const std::string gone = R"("accept_rl1":"reason","issuer_is_carrier":false,)";
  text.replace(text.find(gone), gone.size(),
               "\"targets\":[" +
                   entry(kTarget, R"("minimum_level":"RL1","accept_rl1":"old cards",)"
                                  R"("issuer_is_carrier":false)") +
                   "],");
  const auto lowered = Policy::parse(text);
  ASSERT_TRUE(lowered) << lowered.error().text;
  EXPECT_EQ(refusal(*lowered, kTarget, question().how), "");
  EXPECT_NE(refusal(*lowered, kOther, question().how), "");
  for (const std::string silent :
       {R"("minimum_level":"RL1")", R"("minimum_level":"RL1","accept_rl1":"r")",
        R"("minimum_level":"RL1","accept_rl1":"r","issuer_is_carrier":true)",
        R"("minimum_level":"RL2","accept_rl1":"r","issuer_is_carrier":false)",
        R"("accept_rl1":"r")", R"("issuer_is_carrier":false)"}) {
    EXPECT_FALSE(Policy::parse(with_targets(entry(kTarget, silent)))) << silent;
  }
}

TEST(PolicyTest, EntriesOfTargetsAreReadStrictly) {
  EXPECT_TRUE(Policy::parse(with_targets(entry(kTarget, "") + "," + entry(kOther, ""))));
  EXPECT_EQ(Policy::parse(with_targets(entry(kTarget, "") + "," + entry(kTarget, ""))).error().code,
            Errc::kConflict);
  for (const std::string& bad :
       {std::string(), std::string("1"), std::string("{}"), entry("A000", ""), entry("zz", ""),
        entry(kTarget, R"("elements":[])"), entry(kTarget, R"("targets":[])"),
        entry(kTarget, R"("suites":[])"), entry(kTarget, R"("minimum_level":"RL0")"),
        entry(kTarget, R"("maximum_validity_minutes":0)")}) {
    const auto policy = Policy::parse(with_targets(bad));
    ASSERT_FALSE(policy) << bad;
    EXPECT_NE(policy.error().text.find("targets"), std::string::npos) << policy.error().text;
  }
}

}  // namespace
}  // namespace kagibin::roles::service_provider
