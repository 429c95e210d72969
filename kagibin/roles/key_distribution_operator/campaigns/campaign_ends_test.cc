// SPDX-License-Identifier: Apache-2.0
// How campaigns end: cancelled, aborted, expired, completed.
#include "kagibin/roles/key_distribution_operator/campaigns/test_campaigns.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

TEST_F(CampaignsTest, ACancelledCampaignTakesBackWhatNobodyFetchedAndKeepsTheRestOpen) {
  make(terms(600));
  ASSERT_TRUE(a().put_order(id("bare"), wish("phone")).has_value());
  join("o1", 1);
  pass(1);
  ASSERT_EQ(fetch(), std::vector<std::string>{"o1"});
  ASSERT_TRUE(set(CampaignState::kPaused).has_value());
  for (int i = 0; i < 250; ++i) {
    join("p" + std::to_string(i), 2);
  }
  EXPECT_EQ(set(CampaignState::kCancelled, "recalled")->state, CampaignState::kCancelling);
  EXPECT_EQ(set(CampaignState::kCancelled, "recalled")->state, CampaignState::kCancelling)
      << "again";
  EXPECT_EQ(set(CampaignState::kRunning).error().code, Errc::kState);
  EXPECT_EQ(a().put_order(id("new"), wish("phone")).error().code, Errc::kState);
  static_cast<void>(distributor->tick());
  EXPECT_EQ(state_of("bare"), State::kCancelled);
  EXPECT_EQ(status().groups[0].orders,
            (std::map<State, std::uint64_t>{{State::kHandedOver, 1}, {State::kCancelled, 251}}));
  EXPECT_EQ(status().state, CampaignState::kCancelling) << "a request may be on its way";
  pass(kEndingSeconds + kNapSeconds);
  EXPECT_EQ(status().state, CampaignState::kCancelled);
  EXPECT_EQ(status().reason, "recalled");
  EXPECT_EQ(set(CampaignState::kCancelled)->state, CampaignState::kCancelled);
  EXPECT_EQ(fetch(), std::vector<std::string>{"o1"}) << "what was handed over";
  judge("o1", 1, Verdict::kUnknown);
  EXPECT_TRUE(a().put_attempt(id("o1"), 2, request(a_request(kSpid, 9))).has_value())
      << "reading the element back";
  EXPECT_EQ(fetch(), std::vector<std::string>{"o1"});
  EXPECT_EQ(status().groups[0].orders.at(State::kOrdered), 1U) << "the counts follow it";
}

TEST_F(CampaignsTest, NothingIsHandedOverOnceACampaignIsToBeCancelled) {
  make(terms(600));
  join("at-once", 1);
  ASSERT_TRUE(a().put_order(id("enrols"), wish("phone")).has_value());
  ASSERT_TRUE(a().put_attempt(id("enrols"), 1, request(a_request(kSpid, 2))).has_value());
  pass(2);
  ASSERT_FALSE(a().order(id("at-once"))->held);
  ASSERT_TRUE(agent().put_enrolment(ours(id("enrols")), 1, {an_answer(7, 2)}).has_value());
  ASSERT_TRUE(set(CampaignState::kCancelled, "recalled").has_value());
  EXPECT_TRUE(fetch().empty()) << "before the first tick";
  EXPECT_EQ(state_of("at-once"), State::kCancelled);
  EXPECT_EQ(a().put_delivery(id("enrols"), 1, {an_envelope(kSpid, 7)}).error().code, Errc::kState);
  pass(1);
  EXPECT_EQ(state_of("enrols"), State::kCancelled);
}

TEST_F(CampaignsTest, AFurtherAttemptAfterARefusalIsTakenBackWithItsCampaign) {
  make(terms(600));
  join("a", 1);
  pass(1);
  ASSERT_EQ(fetch().size(), 1U);
  judge("a", 1, Verdict::kRefused);
  ASSERT_TRUE(a().put_attempt(id("a"), 2, request(a_request(kSpid, 9))).has_value());
  ASSERT_TRUE(set(CampaignState::kCancelled).has_value());
  pass(1);
  EXPECT_EQ(state_of("a"), State::kCancelled);
  EXPECT_TRUE(fetch().empty());
}

// An order that came in between the look and the end.
TEST_F(CampaignsTest, AnOrderThatJoinedWhileACampaignWasEndingIsCancelledToo) {
  make(terms());
  ASSERT_TRUE(set(CampaignState::kCancelled).has_value());
  pass(5);
  insert_beside_its_campaign("late");
  pass(kEndingSeconds + kNapSeconds);
  EXPECT_EQ(state_of("late"), State::kCancelled);
  EXPECT_EQ(status().state, CampaignState::kCancelled);
}

TEST_F(CampaignsTest, ACampaignIsAbortedWithTheVerdictThatPassesItsLimitAndNotBefore) {
  CampaignTerms of = terms(6'000);
  of.abort = {{.on = State::kRefused, .percent = 50, .after = 4}};
  make(of);
  join_many(6);
  pass(1);
  ASSERT_EQ(fetch().size(), 6U);
  join("held", 50);
  ASSERT_TRUE(set(CampaignState::kPaused).has_value()) << "a paused one is aborted, too";
  judge("o1000", 0, Verdict::kRefused);
  judge("o1001", 1, Verdict::kRefused);
  judge("o1002", 2, Verdict::kConfirmed);
  pass(3);
  EXPECT_EQ(status().state, CampaignState::kPaused) << "three verdicts";
  judge("o1003", 3, Verdict::kUnknown);
  pass(3);
  EXPECT_EQ(status().state, CampaignState::kAborting) << "two of four";
  EXPECT_EQ(status().reason, "2 of 4 orders are refused; the limit is 50 percent after 4");
  EXPECT_EQ(state_of("held"), State::kCancelled);
  EXPECT_EQ(set(CampaignState::kCancelled).error().code, Errc::kState);
  pass(kEndingSeconds + kNapSeconds);
  EXPECT_EQ(status().state, CampaignState::kAborted);
  EXPECT_EQ(status().groups[0].orders.at(State::kUnknown), 1U) << "never hidden";
}

TEST_F(CampaignsTest, OnePercentBelowItsLimitACampaignGoesOn) {
  CampaignTerms of = terms(6'000);
  of.abort = {{.on = State::kUnknown, .percent = 26, .after = 1}};
  make(of);
  join_many(4);
  pass(1);
  ASSERT_EQ(fetch().size(), 4U);
  for (const auto& [order, handle] :
       {std::pair{"o1000", 0}, std::pair{"o1001", 1}, std::pair{"o1002", 2}}) {
    judge(order, static_cast<std::uint8_t>(handle), Verdict::kConfirmed);
  }
  judge("o1003", 3, Verdict::kUnknown);
  pass(5);
  EXPECT_EQ(status().state, CampaignState::kRunning) << "25 of 100";
}

// P 6, I7: every campaign reaches an end, though an element never answers
TEST_F(CampaignsTest, ACampaignEndsThoughAnElementNeverAnswers) {
  CampaignTerms of = terms(6'000);
  of.orders = 3;
  of.not_after = kNow + 100;
  make(of);
  join("answers", 1);
  join("silent", 2, "silent");
  pass(1);
  ASSERT_EQ(fetch(), std::vector<std::string>{"answers"});
  judge("answers", 1, Verdict::kConfirmed);
  pass(90);
  EXPECT_EQ(status().state, CampaignState::kRunning);
  pass(10 + kNapSeconds);
  EXPECT_EQ(status().state, CampaignState::kExpiring);
  EXPECT_EQ(state_of("silent"), State::kCancelled) << "nobody fetched it";
  pass(kEndingSeconds + kNapSeconds);
  EXPECT_EQ(status().state, CampaignState::kExpired);
  EXPECT_EQ(status().reason, "the campaign's notAfter has passed");
}

TEST_F(CampaignsTest, ACampaignIsCompleteWhenAllItsOrdersHaveSettled) {
  CampaignTerms of = terms(6'000);
  of.orders = 2;
  of.retries = delivery::RetryLimits{.refused = 1};
  make(of);
  join("a", 1);
  pass(2);
  ASSERT_EQ(fetch().size(), 1U);
  judge("a", 1, Verdict::kRefused);
  pass(70);
  EXPECT_EQ(status().state, CampaignState::kRunning) << "one of two orders";
  join("b", 2);
  EXPECT_EQ(a().put_order(id("c"), wish("phone")).error().code, Errc::kLimit);
  pass(2);
  ASSERT_EQ(fetch().size(), 1U);
  judge("b", 2, Verdict::kConfirmed);
  pass(kRetrySeconds - 2);
  EXPECT_EQ(status().state, CampaignState::kRunning) << "its provider may try again";
  pass(2 + 2 * kNapSeconds);
  EXPECT_EQ(status().state, CampaignState::kCompleted);
  EXPECT_EQ(a().put_attempt(id("a"), 2, request(a_request(kSpid, 9))).error().code, Errc::kState);
  EXPECT_EQ(set(CampaignState::kPaused).error().code, Errc::kState);
}

TEST_F(CampaignsTest, WithoutANumberOfOrdersACampaignIsCompleteAtItsEnd) {
  CampaignTerms of = terms(6'000);
  of.not_after = kNow + 50;
  make(of);
  join("a", 1);
  pass(1);
  ASSERT_EQ(fetch().size(), 1U);
  judge("a", 1, Verdict::kConfirmed);
  pass(40);
  EXPECT_EQ(status().state, CampaignState::kRunning) << "another order may come";
  pass(10 + kNapSeconds);
  EXPECT_EQ(status().state, CampaignState::kExpiring);
  pass(kEndingSeconds + kNapSeconds);
  EXPECT_EQ(status().state, CampaignState::kCompleted);
  EXPECT_EQ(status().changed_by, CampaignActor::kDistributor);
}

// Two requests that counted the orders at the same moment.
TEST_F(CampaignsTest, AnOrderThatJoinedBesideTheLastOneIsNotLeftBehind) {
  CampaignTerms of = terms(6'000);
  of.orders = 1;
  of.retries = delivery::RetryLimits{};
  make(of);
  join("last", 1);
  pass(1);
  ASSERT_EQ(fetch().size(), 1U);
  judge("last", 1, Verdict::kConfirmed);
  pass(kEndingSeconds - 2);
  ASSERT_EQ(status().state, CampaignState::kRunning);
  insert_beside_its_campaign("beside");
  pass(10);
  EXPECT_EQ(status().state, CampaignState::kRunning) << "it has not settled";
  ASSERT_TRUE(a().put_attempt(id("beside"), 1, deliver(an_envelope(kSpid, 2))).has_value());
  pass(2);
  EXPECT_EQ(fetch(), (std::vector<std::string>{"beside"}));
  judge("beside", 2, Verdict::kConfirmed);
  pass(kEndingSeconds + 2 * kNapSeconds);
  EXPECT_EQ(status().state, CampaignState::kCompleted);
}

TEST_F(CampaignsTest, HowLongACampaignEndsIsNoBusinessOfTheWallClock) {
  make(terms());
  ASSERT_TRUE(set(CampaignState::kCancelled).has_value());
  static_cast<void>(distributor->tick());
  clock.set_now(kNow + 1'000'000);
  static_cast<void>(distributor->tick());
  EXPECT_EQ(status().state, CampaignState::kCancelling);
  clock.set_now(kNow - 1'000);
  pass(kEndingSeconds + kNapSeconds);
  EXPECT_EQ(status().state, CampaignState::kCancelled);
}

// P 6, I7: hundreds of orders in two groups at a growing rate; one device never comes by
TEST_F(CampaignsTest, HundredsOfOrdersComeToTheirEndsAndTheCampaignToItsOwn) {
  constexpr int kOrders = 300;
  constexpr int kDevices = 10;
  CampaignTerms of{.not_after = kNow + 3'000, .orders = kOrders};
  of.groups = {{.name = "pilot", .match = {{"site", "lab"}}}, {.name = "rest"}};
  of.wait_for_group = true;
  of.rollout = {.kind = delivery::Rollout::Kind::kExponential,
                .per_minute = 60,
                .factor = 2,
                .each = 50,
                .max = 600};
  of.abort = {{.on = State::kRefused, .percent = 50, .after = 10}};
  of.retries = delivery::RetryLimits{};
  make(of);
  for (int i = 0; i < kOrders; ++i) {
    const std::string order = "o" + std::to_string(1'000 + i);
    // The silent one is of the second group, or the first would never settle.
    const std::string to = i == 299 ? "silent" : "d" + std::to_string(i % kDevices);
    join(order, static_cast<std::uint8_t>(i), to,
         i < 40 ? delivery::Attributes{{"site", "lab"}} : delivery::Attributes{});
  }
  std::vector<std::unique_ptr<Current>> devices;
  for (int i = 0; i < kDevices; ++i) {
    devices.push_back(std::make_unique<Current>(*this, "device:d" + std::to_string(i)));
  }
  std::uint64_t before = 0;
  for (int second = 0; second < 3'100 && !is_end(status().state); ++second) {
    pass(1);
    const std::uint64_t released = status().released;
    EXPECT_LE(released - before, 10U) << "600 a minute at most";
    before = released;
    for (const auto& http : devices) {
      DeviceApi phone(*http);
      while (const auto work = phone.work("", 0).value()) {
        const auto number = std::stoi(work->order.id.text().substr(1)) - 1'000;
        const auto handle = static_cast<std::uint8_t>(number);
        ASSERT_TRUE(phone.put_receipt(work->order, 1, {a_receipt(handle, ActionResult::kInstalled)})
                        .has_value());
        const Verdict verdict = number % 20 == 0 ? Verdict::kRefused : Verdict::kConfirmed;
        ASSERT_TRUE(a().put_verdict(work->order.id, 1, {verdict, "", 1}).has_value());
        EXPECT_TRUE(number < 40 || status().groups[0].held == 0) << "the pilot comes first";
      }
    }
    if (status().groups[1].orders.contains(State::kConfirmed) && second < 600) {
      EXPECT_EQ(status().state, CampaignState::kRunning);
    }
  }
  EXPECT_EQ(status().state, CampaignState::kExpired) << "one element never answered";
  EXPECT_EQ(status().released, std::uint64_t{kOrders});
  EXPECT_EQ(status().groups[1].orders.at(State::kCancelled), 1U) << "it was never fetched";
  EXPECT_EQ(status().groups[0].orders.at(State::kConfirmed) +
                status().groups[1].orders.at(State::kConfirmed),
            284U);
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
