// SPDX-License-Identifier: Apache-2.0
// One order whose key is gone from the token, among others: it waits, and they do not. A token that
// is gone altogether is what all of them wait for.
#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "kagibin/crypto/held_key/held_keys.h"
#include "kagibin/roles/service_provider/keys/token_element_keys.h"
#include "kagibin/roles/service_provider/order_records.h"

#include "tests/support/must.h"
#include "tests/system/order_network.h"
#include "tests/token/keys_in_token.h"

namespace kagibin::test {
namespace {

using delivery::State;

class KeyGoneTest : public KeysInTokenTest {
 protected:
  KeyGoneTest() : KeysInTokenTest(SoftToken::Make::kNss) {}

  void SetUp() override {
    KeysInTokenTest::SetUp();
    if (faults_) {
      net_.emplace("key gone", in_token());
    }
  }

  provider::TokenElementKeyPlan plan(const std::string& name) {
    return {.name = name,
            .place = {.uri = token_.uri(name), .is_made_there = true},
            .binding = {.seid = net_->card.seid, .target = Deployment::domain_aid(), .slot = {}}};
  }
  // Of three keys in the token.
  std::string payload_in_token() {
    std::string out = Deployment::payload_text();
    const std::string derived = R"({"derive":{"master":"fleet","size":16}})";
    for (int i = 0; i < 3; ++i) {
      must(create_token_element_key(plan(fmt::format("k{}", i)), 16, *net_->world.keys));
      const std::size_t at = out.find(derived);
      KB_CHECK(at != std::string::npos);
      out.replace(at, derived.size(), fmt::format(R"({{"literal":"k{}"}})", i));
    }
    return out;
  }
  // Both are enrolled, "bad" first.
  void enrol_two(std::string_view bad, std::string_view good) {
    const auto first = net_->world.open_order("bad", net_->card, bad);
    const auto second = net_->world.open_order("good", net_->card, good);
    ASSERT_TRUE(net_->client().submit(first.id));
    ASSERT_TRUE(net_->client().submit(second.id));
    ASSERT_EQ(must(net_->run_agent()).enrolled, 2);
  }
  State state(std::string_view order) {
    return must(net_->world.flow->find(must(delivery::OrderId::from(std::string(order))))).state;
  }
  std::string kem_uri(std::string_view name, delivery::AttemptNumber number) {
    const auto order = must(delivery::OrderId::from(std::string(name)));
    const auto attempt = *must(net_->world.journal.find_attempt(order, number));
    return must(crypto::token_uri_of(
        must(net_->world.keys->unseal(provider::kem_label(order, number), attempt.sealed_kem_key))
            .expose()));
  }
  // The run is whole, says what is wrong with "bad" at each of them, and seals "good".
  void expect_that_bad_waits_alone(std::string_view why) {
    const auto report = net_->client().run_once();
    ASSERT_TRUE(report.has_value()) << report.error().text;
    ASSERT_EQ(report->events.size(), 2U);
    EXPECT_TRUE(report->events[0].trouble);
    EXPECT_NE(report->events[0].text.find(why), std::string::npos) << report->events[0].text;
    EXPECT_EQ(state("good"), State::kSealed);
    EXPECT_FALSE(delivery::is_final(state("bad"))) << "it is no fault of the element";
    const auto again = must(net_->client().run_once());
    ASSERT_EQ(again.events.size(), 1U) << "it is looked at again, and the other one is done";
    EXPECT_EQ(again.events[0].order.text(), "bad");
  }

  std::optional<Network> net_;
};

// I2: each order of its own
TEST_F(KeyGoneTest, AnElementKeyThatWasErasedHoldsUpItsOwnOrderAlone) {
  enrol_two(payload_in_token(), Deployment::payload_text());
  must(tokens_.erase(token_.uri("k1")));
  expect_that_bad_waits_alone("no key of this name");
}

TEST_F(KeyGoneTest, SoDoesOneOfAnotherLengthUnderItsName) {
  enrol_two(payload_in_token(), Deployment::payload_text());
  must(tokens_.erase(token_.uri("k1")));
  must(tokens_.generate_wrap_only_key(token_.uri("k1"), 32));
  expect_that_bad_waits_alone("the token");
}

// Sealed, it would be another element's key in this one, under the first one's KCV.
TEST_F(KeyGoneTest, SoDoesAnotherElementsKeyUnderItsName) {
  enrol_two(payload_in_token(), Deployment::payload_text());
  must(tokens_.erase(token_.uri("k1")));
  const DeployedCard& other = net_->world.add_card("phone-2");
  auto theirs = plan("k1");
  theirs.name = "theirs";
  theirs.binding.seid = other.seid;
  must(create_token_element_key(theirs, 16, *net_->world.keys));
  expect_that_bad_waits_alone("another key under this name");
  EXPECT_FALSE(must(net_->world.journal.find_entry(must(delivery::OrderId::from("bad")), 1,
                                                   delivery::JournalStep::kDelivery)));
}

TEST_F(KeyGoneTest, SoDoesAKemKeyThatWasErased) {
  enrol_two(Deployment::payload_text(), Deployment::payload_text());
  must(tokens_.erase(kem_uri("bad", 1)));
  expect_that_bad_waits_alone("The KEM key of this attempt");
}

TEST_F(KeyGoneTest, ATokenThatIsGoneEndsTheRunAndAllOfItIsDoneWhenItIsBack) {
  enrol_two(payload_in_token(), Deployment::payload_text());
  faults_->close_sessions();
  faults_->remove_token({.skipped = 0, .times = -1});
  const auto report = net_->client().run_once();
  faults_->clear();
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code, Errc::kIo) << report.error().text;
  EXPECT_TRUE(must(net_->world.journal.records("pending")).empty());
  must(net_->client().run_once());
  EXPECT_EQ(state("bad"), State::kSealed);
  EXPECT_EQ(state("good"), State::kSealed);
}

}  // namespace
}  // namespace kagibin::test
