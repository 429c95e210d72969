// SPDX-License-Identifier: Apache-2.0
// Campaigns: what is released when, to whom, who may change it, and that the audit notices.
#include "kagibin/roles/key_distribution_operator/campaigns/campaign_desk.h"
#include "kagibin/roles/key_distribution_operator/campaigns/test_campaigns.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

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

TEST_F(CampaignsTest, ACampaignThatCannotBeTakenOnDoesNotStopTheOthers) {
  make(terms(600));
  join("poisoned", 1);
  distributor.reset();
  store.reset();
  behind_its_back("UPDATE attempts SET number = 7 WHERE order_id = 'poisoned'");
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
  behind_its_back("UPDATE attempts SET number = 1 WHERE order_id = 'poisoned'");
  reopen();
  pass(kPutOffSeconds + 2);
  EXPECT_EQ(status().released, 1U) << "it goes on once it can";
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

// As version 7 of the store left it.
TEST_F(CampaignsTest, APauseThatDoesNotSayWhoseItIsIsAnybodys) {
  make(terms());
  ASSERT_TRUE(set(CampaignState::kPaused).has_value());
  auto t = store->begin().value();
  auto row = t->campaigns().take_campaign({.provider = kSpid, .id = name()}).value().value();
  row.paused_by = {};
  ASSERT_TRUE(t->campaigns().update_campaign(row).has_value());
  ASSERT_TRUE(t->commit().has_value());
  t.reset();
  Current operator_http{*this, "operator:ops"};
  EXPECT_EQ(
      CampaignApi(operator_http, kSpid).put_state(name(), {CampaignState::kRunning, ""})->state,
      CampaignState::kRunning);
  // The log's pause says whose it was: that of this version is taken back for the audit.
  ASSERT_TRUE(set(CampaignState::kPaused).has_value());
  ASSERT_TRUE(set(CampaignState::kRunning).has_value());
}

// The audit, at the end of each case, replays which attempts are held.
TEST_F(CampaignsTest, AnAttemptThatExpiredWhileItWasHeldStaysHeld) {
  make(terms());
  delivery::OrderRequest short_lived = wish("phone");
  short_lived.not_after = kNow + 10;
  ASSERT_TRUE(a().put_order(id("o"), short_lived).has_value());
  ASSERT_TRUE(set(CampaignState::kPaused).has_value());
  ASSERT_TRUE(a().put_attempt(id("o"), 1, request(a_request(kSpid, 1))).has_value());
  clock.set_now(kNow + 20);
  static_cast<void>(distributor->tick());
  ASSERT_EQ(state_of("o"), State::kExpired);
  ASSERT_TRUE(a().put_verdict(id("o"), 1, {Verdict::kUnknown, "", {}}).has_value());
  clock.set_now(kNow + 1);
  ASSERT_TRUE(a().put_attempt(id("o"), 2, request(a_request(kSpid, 2))).has_value());
  ASSERT_TRUE(set(CampaignState::kRunning).has_value());
  pass(3);
  ASSERT_EQ(status().released, 1U);
  ASSERT_TRUE(a().put_verdict(id("o"), 1, {Verdict::kRefused, "", {}}).has_value());
}

TEST_F(CampaignsTest, AnOrderHasItsHistory) {
  make(terms());
  join("a", 1);
  pass(1);
  ASSERT_EQ(fetch().size(), 1U);
  judge("a", 1, Verdict::kConfirmed);
  const auto all = api.history(id("a"), "").value();
  std::vector<std::string> events;
  events.reserve(all.events.size());
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

// promises: an audit log that can be deleted unnoticed
TEST_F(CampaignsTest, WhateverIsChangedBehindTheLogIsFound) {
  make(terms());
  join_many(4);
  pass(1);
  ASSERT_TRUE(set(CampaignState::kPaused, "why").has_value());
  static_cast<void>(distributor->tick());
  EXPECT_TRUE(found_after("SELECT 1").empty());
  const char* const forged =
      "INSERT INTO campaigns SELECT provider, 'forged', terms, created_at, state, reason, "
      "changed_at, released, credit, credit_at, settled_at, due, changed_by, paused_by FROM "
      "campaigns";
  for (const char* script : {
           "UPDATE campaigns SET state = 'running'",
           "UPDATE campaigns SET reason = 'another'",
           "UPDATE campaigns SET terms = replace(terms, '60', '61')",
           "UPDATE campaigns SET released = 0",
           "DELETE FROM campaigns",
           forged,
           "UPDATE campaigns SET changed_by = 'operator'",
           "UPDATE campaigns SET paused_by = 2",
           "UPDATE campaigns SET paused_by = 0",
           "UPDATE campaigns SET released = released + 1",
           "UPDATE orders SET grp = 1 WHERE id = 'o1003'",
           "UPDATE orders SET touched = 1",
           "UPDATE attempts SET held = 1",
           "UPDATE attempts SET held = 0",
           "UPDATE campaign_counts SET count = count + 1",
           "DELETE FROM campaign_counts WHERE phase = 'held'",
           "UPDATE orders SET held = 0",
           "UPDATE orders SET held = 1",
           "UPDATE orders SET attributes = '{\"site\":\"lab\"}'",
           "UPDATE orders SET campaign = 'other'",
           "UPDATE orders SET campaign = NULL",
       }) {
    EXPECT_FALSE(found_after(script).empty()) << script;
  }
}

TEST_F(CampaignsTest, AProviderHasOnlySoManyOpenCampaigns) {
  for (std::uint32_t i = 0; i < kMaxOpenCampaigns; ++i) {
    ASSERT_TRUE(api.put_campaign(name("c" + std::to_string(i)), terms()).has_value());
  }
  EXPECT_EQ(api.put_campaign(name("more"), terms()).error().code, Errc::kLimit);
  EXPECT_TRUE(api.put_campaign(name("c0"), terms()).has_value()) << "it is there";
  EXPECT_TRUE(others.put_campaign(name("c"), terms()).has_value()) << "the provider's own limit";
  ASSERT_TRUE(api.put_state(name("c0"), {CampaignState::kCancelled, ""}).has_value());
  EXPECT_EQ(api.put_campaign(name("more"), terms()).error().code, Errc::kLimit) << "ending";
  pass(kEndingSeconds + 2 * kNapSeconds);
  EXPECT_TRUE(api.put_campaign(name("more"), terms()).has_value());
}

TEST_F(CampaignsTest, ACampaignGoesOnWhenNobodyWantsItPaused) {
  make(terms());
  join_many(3);
  Current operator_http{*this, "operator:ops"};
  CampaignApi ops(operator_http, kSpid);
  EXPECT_EQ(ops.put_state(name(), {CampaignState::kPaused, "stop"})->changed_by,
            CampaignActor::kOperator);
  EXPECT_EQ(set(CampaignState::kRunning)->state, CampaignState::kPaused) << "not its own pause";
  EXPECT_EQ(set(CampaignState::kRunning)->state, CampaignState::kPaused) << "again";
  EXPECT_TRUE(status().paused_by.operated);
  EXPECT_EQ(set(CampaignState::kPaused, "us too")->paused_by,
            (delivery::Pausers{.provider = true, .operated = true}));
  EXPECT_EQ(status().reason, "stop") << "nobody talks over the operator";
  EXPECT_EQ(status().changed_by, CampaignActor::kOperator);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ops.put_state(name(), {CampaignState::kRunning, ""})->state, CampaignState::kPaused);
  }
  EXPECT_EQ(status().paused_by, delivery::Pausers{.provider = true});
  pass(5);
  EXPECT_EQ(status().released, 0U);
  EXPECT_EQ(set(CampaignState::kRunning)->state, CampaignState::kRunning);
  EXPECT_EQ(status().changed_by, CampaignActor::kProvider);
  pass(3);
  EXPECT_EQ(status().released, 3U);
  ASSERT_TRUE(ops.put_state(name(), {CampaignState::kPaused, ""}).has_value());
  EXPECT_EQ(set(CampaignState::kCancelled)->state, CampaignState::kCancelling)
      << "its provider may always end it";
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
