// SPDX-License-Identifier: Apache-2.0
// Campaigns over a real store, second by second: what is released when, what ends how, and that the
// audit finds the store as the log says after each case.
#include <filesystem>

#include <gtest/gtest.h>

#include "kagibin/delivery/campaign_client.h"
#include "kagibin/roles/key_distribution_operator/audit/log_audit.h"
#include "kagibin/roles/key_distribution_operator/campaigns/campaign_run.h"
#include "kagibin/roles/key_distribution_operator/test_distributor.h"
#include "kagibin/roles/key_distribution_operator/test_messages.h"
#include "kagibin/store/database.h"
#include "kagibin/store/orders/order_schema.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

using delivery::CampaignApi;
using delivery::CampaignId;
using delivery::CampaignState;
using delivery::CampaignStateRequest;
using delivery::CampaignStatus;
using delivery::CampaignTerms;
using delivery::VerdictMessage;

struct CampaignsTest : DistributorTest {
  static CampaignId name(std::string_view text = "c") { return CampaignId::from(text).value(); }
  static CampaignTerms terms(std::uint32_t per_minute = 60) {
    CampaignTerms out{.not_after = kNow + 3'600};
    out.groups = {{.name = "all"}};
    out.rollout = {.per_minute = per_minute, .max = per_minute};
    return out;
  }
  void make(const CampaignTerms& of) { ASSERT_TRUE(api.put_campaign(name(), of).has_value()); }
  delivery::OrderRequest wish(std::string_view to, delivery::Attributes attributes = {}) const {
    return {.device = device(to),
            .not_after = kNow + 500'000'000,
            .campaign = name(),
            .attributes = std::move(attributes)};
  }
  // An order of which the first attempt is an envelope at once; its handle is `handle`.
  void join(const std::string& order,
            std::uint8_t handle,
            std::string_view to = "phone",
            delivery::Attributes attributes = {}) {
    ASSERT_TRUE(a().put_order(id(order), wish(to, std::move(attributes))).has_value());
    ASSERT_TRUE(a().put_attempt(id(order), 1, deliver(an_envelope(kSpid, handle))).has_value());
  }
  void join_many(int count) {
    for (int i = 0; i < count; ++i) {
      join("o" + std::to_string(1'000 + i), static_cast<std::uint8_t>(i));
    }
  }
  void pass(std::int64_t seconds) {
    for (std::int64_t i = 0; i < seconds; ++i) {
      clock.advance_seconds(1);
      static_cast<void>(distributor->tick());
    }
  }
  // What the agent gets, and gives its receipt for.
  std::vector<std::string> fetch() {
    std::vector<std::string> orders;
    std::string cursor;
    for (auto work = agent().work(cursor, 0).value(); work;
         work = agent().work(cursor, 0).value()) {
      orders.push_back(work->order.id.text());
      cursor = work->cursor;
    }
    return orders;
  }
  void judge(const std::string& order, std::uint8_t handle, Verdict verdict) {
    ASSERT_TRUE(agent()
                    .put_receipt(ours(id(order)), 1, {a_receipt(handle, ActionResult::kInstalled)})
                    .has_value());
    ASSERT_TRUE(a().put_verdict(id(order), 1, {verdict, "", 1}).has_value());
  }
  CampaignStatus status() { return api.campaign(name()).value(); }
  Result<CampaignStatus> set(CampaignState state, std::string reason = "") {
    return api.put_state(name(), {state, std::move(reason)});
  }
  State state_of(const std::string& order) { return a().order(id(order)).value().state; }
  ~CampaignsTest() override {
    static_cast<void>(distributor->tick());
    const auto snapshot = store->snapshot().value();
    StoreLog log(*snapshot);
    const auto report = LogAudit(log, log_keeper.verifier()).run({.store = snapshot.get()}).value();
    for (const std::string& sentence : report.findings.sentences()) {
      ADD_FAILURE() << sentence;
    }
  }
  CampaignApi api{provider_http};
  CampaignApi others{other_http};
};

TEST_F(CampaignsTest, ACampaignIsPutOnceAndIsItsProvidersOwn) {
  const CampaignTerms first = terms();
  EXPECT_EQ(api.put_campaign(name(), first)->state, CampaignState::kRunning);
  EXPECT_EQ(api.put_campaign(name(), first)->terms, first) << "again";
  EXPECT_EQ(api.put_campaign(name(), terms(61)).error().code, Errc::kConflict);
  CampaignTerms late = terms();
  late.not_after = kNow - 1;
  EXPECT_EQ(api.put_campaign(name("late"), late).error().code, Errc::kExpired);
  EXPECT_EQ(others.campaign(name()).error().code, Errc::kNotFound);
  EXPECT_EQ(others.put_state(name(), {CampaignState::kPaused, ""}).error().code, Errc::kNotFound);
  EXPECT_TRUE(others.campaigns("")->campaigns.empty());
  EXPECT_EQ(other.put_order(id("o"), wish("phone")).error().code, Errc::kNotFound);
  ASSERT_TRUE(api.put_campaign(name("b"), terms()).has_value());
  const auto page = api.campaigns("", 1).value();
  ASSERT_EQ(page.campaigns.size(), 1U);
  EXPECT_EQ(page.campaigns[0].campaign, name("b"));
  EXPECT_TRUE(page.more);
  EXPECT_EQ(api.campaigns(page.next).value().campaigns.at(0).campaign, name());
}

TEST_F(CampaignsTest, AnOrderIsHeldUntilItIsReleasedAndThenWakesItsDevice) {
  make(terms());
  join_many(3);
  EXPECT_TRUE(fetch().empty()) << "held";
  EXPECT_TRUE(a().order(id("o1000"))->held);
  EXPECT_EQ(status().groups[0].held, 3U);
  EXPECT_EQ(status().next_release, kNow);
  EXPECT_EQ(agent()
                .put_receipt(ours(id("o1000")), 1, {a_receipt(0, ActionResult::kInstalled)})
                .error()
                .code,
            Errc::kNotFound)
      << "its device was not told of it";
  const std::vector<std::string> woken = distributor->tick();
  EXPECT_NE(std::ranges::find(woken, "device:phone"), woken.end());
  EXPECT_EQ(fetch(), std::vector<std::string>{"o1000"});
  EXPECT_FALSE(a().order(id("o1000"))->held);
  static_cast<void>(distributor->tick());
  EXPECT_EQ(status().released, 1U) << "the clock stands still";
  pass(2);
  EXPECT_EQ(status().released, 3U);
  EXPECT_EQ(fetch().size(), 3U);
  EXPECT_EQ(status().groups[0].orders, (std::map<State, std::uint64_t>{{State::kHandedOver, 3}}));
  EXPECT_EQ(status().next_release, std::nullopt);
}

TEST_F(CampaignsTest, AnOrderPutAgainIsTheSameAndWithOtherAttributesAnother) {
  make(terms());
  join("o", 1, "phone", {{"site", "lab"}});
  EXPECT_TRUE(a().put_order(id("o"), wish("phone", {{"site", "lab"}})).has_value());
  EXPECT_EQ(a().put_order(id("o"), wish("phone", {{"site", "shop"}})).error().code,
            Errc::kConflict);
  EXPECT_EQ(a().put_order(id("o"), {device("phone"), kNow + 500'000'000}).error().code,
            Errc::kConflict);
}

TEST_F(CampaignsTest, GroupsAreReleasedInTheirOrder) {
  CampaignTerms of = terms(600);
  of.groups = {{.name = "pilot", .match = {{"site", "lab"}}},
               {.name = "shops", .match = {{"site", "shop"}}}};
  make(of);
  join("a", 1, "phone", {{"site", "shop"}});
  join("b", 2, "phone", {{"site", "lab"}});
  join("c", 3, "phone", {{"site", "lab"}});
  EXPECT_EQ(a().put_order(id("d"), wish("phone", {{"site", "home"}})).error().code, Errc::kValue)
      << "no group takes it";
  static_cast<void>(distributor->tick());
  EXPECT_FALSE(a().order(id("b"))->held);
  EXPECT_TRUE(a().order(id("a"))->held);
  pass(1);
  EXPECT_FALSE(a().order(id("a"))->held);
}

TEST_F(CampaignsTest, TheNextGroupMayWaitUntilTheOneBeforeHasSettled) {
  CampaignTerms of = terms(600);
  of.groups = {{.name = "pilot", .match = {{"site", "lab"}}}, {.name = "rest"}};
  of.wait_for_group = true;
  make(of);
  join("a", 1, "phone");
  join("b", 2, "phone", {{"site", "lab"}});
  pass(5);
  EXPECT_EQ(fetch(), std::vector<std::string>{"b"});
  EXPECT_EQ(status().next_release, std::nullopt) << "nobody knows";
  judge("b", 2, Verdict::kUnknown);
  pass(5);
  EXPECT_TRUE(a().order(id("a"))->held) << "unknown has not settled";
  ASSERT_TRUE(a().put_verdict(id("b"), 1, {Verdict::kConfirmed, "", 1}).has_value());
  pass(3);
  EXPECT_FALSE(a().order(id("a"))->held);
}

TEST_F(CampaignsTest, APilotThatHasNotJoinedYetIsWaitedFor) {
  CampaignTerms of = terms(600);
  of.orders = 2;
  of.groups = {{.name = "pilot", .match = {{"site", "lab"}}}, {.name = "rest"}};
  of.wait_for_group = true;
  make(of);
  join("a", 1, "phone");
  pass(5);
  EXPECT_EQ(status().released, 0U) << "the other one may be of the pilot";
  join("b", 2, "phone", {{"site", "lab"}});
  pass(5);
  EXPECT_EQ(fetch(), std::vector<std::string>{"b"});
}

TEST_F(CampaignsTest, APausedCampaignReleasesNothingAndGoesOnWhereItWas) {
  make(terms());
  join_many(5);
  pass(1);
  const std::uint64_t released = status().released;
  EXPECT_EQ(set(CampaignState::kPaused, "a doubt")->reason, "a doubt");
  EXPECT_EQ(set(CampaignState::kPaused, "another")->reason, "a doubt") << "it is paused already";
  pass(20);
  EXPECT_EQ(status().released, released);
  EXPECT_EQ(status().next_release, std::nullopt);
  join("late", 99);
  EXPECT_EQ(set(CampaignState::kRunning)->state, CampaignState::kRunning);
  pass(3);
  EXPECT_EQ(status().released, 6U) << "ten seconds' worth at most";
}

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

TEST_F(CampaignsTest, ACampaignThatCannotBeTakenOnDoesNotStopTheOthers) {
  make(terms(600));
  join("poisoned", 1);
  distributor.reset();
  store.reset();
  {
    store::Database db = store::Database::open({.path = folder / "orders",
                                                .application_id = store::kOrderApplicationId,
                                                .migrations = store::kOrderMigrations})
                             .value();
    ASSERT_TRUE(db.run("UPDATE attempts SET number = 7 WHERE order_id = 'poisoned'").has_value());
  }
  reopen();
  ASSERT_TRUE(api.put_campaign(name("other"), terms(600)).has_value());
  delivery::OrderRequest healthy = wish("phone");
  healthy.campaign = name("other");
  ASSERT_TRUE(a().put_order(id("healthy"), healthy).has_value());
  ASSERT_TRUE(a().put_attempt(id("healthy"), 1, deliver(an_envelope(kSpid, 2))).has_value());
  pass(3);
  EXPECT_EQ(api.campaign(name("other"))->released, 1U);
  EXPECT_EQ(status().released, 0U);
  distributor.reset();
  store.reset();
  {
    store::Database db = store::Database::open({.path = folder / "orders",
                                                .application_id = store::kOrderApplicationId,
                                                .migrations = store::kOrderMigrations})
                             .value();
    ASSERT_TRUE(db.run("UPDATE attempts SET number = 1 WHERE order_id = 'poisoned'").has_value());
  }
  reopen();
  pass(kPutOffSeconds + 2);
  EXPECT_EQ(status().released, 1U) << "it goes on once it can";
}

// An order that came in between the look and the end.
TEST_F(CampaignsTest, AnOrderThatJoinedWhileACampaignWasEndingIsCancelledToo) {
  make(terms());
  ASSERT_TRUE(set(CampaignState::kCancelled).has_value());
  pass(5);
  delivery::OrderRow late{.id = id("late"), .provider = kSpid, .device = device("phone")};
  late.not_after = kNow + 600;
  late.membership = delivery::Membership{.campaign = name()};
  auto t = store->begin().value();
  ASSERT_TRUE(t->insert_order(late).has_value());
  const Bytes made =
      encode(OrderChange{.time = 0,
                         .order = late.key(),
                         .digest = crypto::sha256(ascii(to_json(delivery::request_of(late))))});
  ASSERT_TRUE(t->audit().append(made).has_value());
  ASSERT_TRUE(t->commit().has_value());
  t.reset();
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
  EXPECT_EQ(status().state, CampaignState::kCompleted);
}

TEST_F(CampaignsTest, FurtherAttemptsAreAsManyAsTheKindOfFailurePermits) {
  CampaignTerms of = terms(6'000);
  of.retries = delivery::RetryLimits{.declined = 1, .refused = 0, .unknown = 1};
  make(of);
  join("refused", 1);
  join("unknown", 2);
  ASSERT_TRUE(a().put_order(id("declined"), wish("phone")).has_value());
  ASSERT_TRUE(a().put_attempt(id("declined"), 1, request(a_request(kSpid, 1))).has_value());
  pass(1);
  ASSERT_EQ(fetch().size(), 3U);
  judge("refused", 1, Verdict::kRefused);
  judge("unknown", 2, Verdict::kUnknown);
  const auto again = [&](const char* order, delivery::AttemptNumber attempt, bool cancel = false) {
    return a().put_attempt(
        id(order), attempt,
        request(a_request(kSpid, static_cast<std::uint8_t>(100 + attempt), cancel)));
  };
  EXPECT_EQ(again("refused", 2).error().code, Errc::kLimit);
  EXPECT_TRUE(again("refused", 2, true).has_value()) << "taking it back is always allowed";
  EXPECT_TRUE(again("unknown", 2).has_value());
  for (const delivery::AttemptNumber attempt : {1U, 2U}) {
    if (attempt == 2) {
      ASSERT_TRUE(again("declined", 2).has_value());
    }
    const auto nonce = static_cast<std::uint8_t>(attempt == 1 ? 1 : 102);
    ASSERT_TRUE(
        agent().put_enrolment(ours(id("declined")), attempt, {an_answer(7, nonce)}).has_value());
    ASSERT_TRUE(a().put_verdict(id("declined"), attempt, {Verdict::kRefused, ""}).has_value());
  }
  EXPECT_EQ(again("declined", 3).error().code, Errc::kLimit);
}

TEST_F(CampaignsTest, OutsideOfItsWindowsACampaignReleasesNothing) {
  CampaignTerms of = terms(600);
  of.not_after = kNow + 86'400;
  const auto minute = static_cast<std::uint16_t>((kNow % 86'400) / 60);
  of.windows = {{.from = static_cast<std::uint16_t>(minute + 2),
                 .to = static_cast<std::uint16_t>(minute + 4)}};
  make(of);
  join("a", 1);
  EXPECT_EQ(status().next_release, kNow - kNow % 60 + 120);
  pass(119 - kNow % 60);
  EXPECT_EQ(status().released, 0U);
  pass(1 + kNapSeconds);
  EXPECT_EQ(status().released, 1U);
  pass(120);
  join("b", 2);
  pass(30);
  EXPECT_EQ(status().released, 1U) << "closed again";
}

TEST_F(CampaignsTest, AClockThatJumpsStopsNoCampaign) {
  CampaignTerms of = terms();
  of.not_after = kNow + 400'000'000;
  make(of);
  join_many(20);
  pass(2);
  clock.set_now(kNow + 300'000'000);
  static_cast<void>(distributor->tick());
  clock.set_now(kNow + 10);
  std::uint64_t before = status().released;
  pass(5);
  EXPECT_GE(status().released, before + 3) << "back from the future";
  before = status().released;
  clock.set_now(0);
  pass(4);
  EXPECT_GE(status().released, before + 2) << "in 1970";
  EXPECT_EQ(status().state, CampaignState::kRunning);
}

TEST_F(CampaignsTest, AnOrderHasItsHistory) {
  make(terms());
  join("a", 1);
  pass(1);
  ASSERT_EQ(fetch().size(), 1U);
  judge("a", 1, Verdict::kConfirmed);
  const auto all = api.history(id("a"), "").value();
  std::vector<std::string> events;
  for (const auto& event : all.events) {
    events.push_back(event.event);
  }
  EXPECT_EQ(events, (std::vector<std::string>{"order", "attempt", "release", "hand_over", "receipt",
                                              "verdict_confirmed"}));
  EXPECT_FALSE(all.more);
  EXPECT_EQ(all.events[0].time, kNow);
  EXPECT_EQ(all.events[2].time, kNow + 1);
  EXPECT_EQ(all.events[4].revision, 1U);
  EXPECT_EQ(all.events[5].order_state, State::kConfirmed);
  const auto page = api.history(id("a"), "", 4).value();
  EXPECT_TRUE(page.more);
  EXPECT_EQ(api.history(id("a"), page.next).value().events.size(), 2U);
  EXPECT_EQ(others.history(id("a"), "").error().code, Errc::kNotFound);
}

TEST_F(CampaignsTest, AnOperatorStopsAnyProvidersCampaignAndAnAuditorLooks) {
  make(terms());
  join("a", 1);
  Current operator_http{*this, "operator:ops"};
  Current auditor_http{*this, "auditor:eve"};
  Current reader_http{*this, "provider:" + kSpid.hex() + ";audit"};
  Current steward_http{*this, "provider:" + kSpid.hex() + ";operate"};
  CampaignApi ops(operator_http, kSpid);
  CampaignApi eve(auditor_http, kSpid);
  EXPECT_EQ(ops.campaign(name())->groups[0].held, 1U);
  EXPECT_EQ(eve.campaigns("")->campaigns.size(), 1U);
  EXPECT_EQ(eve.history(id("a"), "")->events.size(), 2U);
  EXPECT_EQ(eve.put_state(name(), {CampaignState::kPaused, ""}).error().code, Errc::kUntrusted);
  EXPECT_EQ(CampaignApi(reader_http).campaign(name())->state, CampaignState::kRunning);
  EXPECT_EQ(CampaignApi(reader_http).put_state(name(), {CampaignState::kPaused, ""}).error().code,
            Errc::kUntrusted);
  EXPECT_EQ(CampaignApi(steward_http).put_campaign(name("d"), terms()).error().code,
            Errc::kUntrusted);
  EXPECT_EQ(CampaignApi(steward_http).put_state(name(), {CampaignState::kPaused, "x"})->state,
            CampaignState::kPaused);
  EXPECT_EQ(ops.put_state(name(), {CampaignState::kCancelled, "stop"})->state,
            CampaignState::kCancelling);
  EXPECT_EQ(ops.campaign(CampaignId::from("none").value()).error().code, Errc::kNotFound);
  for (const char* subject : {"device:phone", "invitation:00000000000000000000000000000000"}) {
    EXPECT_EQ(send(HttpMethod::kGet, "/v1/campaigns/c", subject).status, 403) << subject;
  }
  EXPECT_EQ(send(HttpMethod::kGet, "/v1/campaigns/c", std::nullopt).status, 403);
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

// promises: an audit log that can be deleted unnoticed
TEST_F(CampaignsTest, WhateverIsChangedBehindTheLogIsFound) {
  make(terms());
  join_many(4);
  pass(1);
  ASSERT_TRUE(set(CampaignState::kPaused, "why").has_value());
  static_cast<void>(distributor->tick());
  const auto findings = [&](const char* script) {
    distributor.reset();
    store.reset();
    const auto path = folder / "orders";
    std::filesystem::copy_file(path, folder / "kept",
                               std::filesystem::copy_options::overwrite_existing);
    {
      store::Database db = store::Database::open({.path = path,
                                                  .application_id = store::kOrderApplicationId,
                                                  .migrations = store::kOrderMigrations})
                               .value();
      EXPECT_TRUE(db.run(script).has_value()) << script;
    }
    reopen();
    std::size_t found = 0;
    {
      const auto snapshot = store->snapshot().value();
      StoreLog log(*snapshot);
      found = LogAudit(log, log_keeper.verifier()).run({.store = snapshot.get()})->findings.count();
    }
    distributor.reset();
    store.reset();
    std::filesystem::copy_file(folder / "kept", path,
                               std::filesystem::copy_options::overwrite_existing);
    reopen();
    return found;
  };
  EXPECT_EQ(findings("SELECT 1"), 0U);
  for (const char* script : {
           "UPDATE campaigns SET state = 'running'",
           "UPDATE campaigns SET reason = 'another'",
           "UPDATE campaigns SET terms = replace(terms, '60', '61')",
           "UPDATE campaigns SET released = 0",
           "DELETE FROM campaigns",
           "INSERT INTO campaigns SELECT provider, 'forged', terms, created_at, state, reason, "
           "changed_at, released, credit, credit_at, settled_at, due FROM campaigns",
           "UPDATE campaign_counts SET count = count + 1",
           "DELETE FROM campaign_counts WHERE phase = 'held'",
           "UPDATE orders SET held = 0",
           "UPDATE orders SET held = 1",
           "UPDATE orders SET attributes = '{\"site\":\"lab\"}'",
           "UPDATE orders SET campaign = 'other'",
           "UPDATE orders SET campaign = NULL",
       }) {
    EXPECT_GT(findings(script), 0U) << script;
  }
}

TEST_F(CampaignsTest, TargetsThatAreNotUnderstoodAreRefused) {
  make(terms());
  const std::string us = provider_http.subject;
  for (const char* target :
       {"/v1/campaigns/c?limit=1", "/v1/campaigns?after=a/b", "/v1/campaigns?wait=1",
        "/v1/campaigns?state=running", "/v1/campaigns/a%20b", "/v1/orders/o/history?wait=1",
        "/v1/orders/o/history?after=x"}) {
    EXPECT_EQ(send(HttpMethod::kGet, target, us).status, 400) << target;
  }
  EXPECT_EQ(send(HttpMethod::kGet, "/v1/campaigns/", us).status, 404);
  EXPECT_EQ(send(HttpMethod::kPut, "/v1/campaigns/c/state", us, "{}").status, 400);
  EXPECT_EQ(send(HttpMethod::kPut, "/v1/campaigns/d", us, "{}").status, 400);
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
