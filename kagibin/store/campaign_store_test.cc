// SPDX-License-Identifier: Apache-2.0
// What every store behind delivery/campaign_rows.h does, over each of them.
#include <gtest/gtest.h>

#include "kagibin/delivery/store_snapshot.h"
#include "kagibin/store/orders/test_rows.h"
#include "kagibin/store/test_bed.h"

namespace kagibin::store {
namespace {

using delivery::CampaignId;
using delivery::CampaignKey;
using delivery::CampaignRow;
using delivery::CampaignState;
using delivery::HistoryRow;
using delivery::Membership;
using delivery::PhaseCount;

struct CampaignStoreTest : BedTest {
  static CampaignKey name(std::string_view id = "c", const Spid& provider = kProvider) {
    return {.provider = provider, .id = CampaignId::from(id).value()};
  }
  static CampaignRow a_campaign(std::string_view id = "c") {
    CampaignRow row{.id = name(id).id, .provider = kProvider};
    row.terms = R"({"notAfter":1})";
    row.created_at = 5;
    return row;
  }
  static OrderRow a_member(const std::string& id,
                           std::uint32_t group,
                           std::string_view campaign = "c") {
    OrderRow row = an_order(id);
    row.membership =
        Membership{.campaign = name(campaign).id, .group = group, .attributes = {{"site", "lab"}}};
    return row;
  }
  // With one attempt, which is held.
  static void join(OrderTransaction& t, const std::string& id, std::uint32_t group, State state) {
    OrderRow row = a_member(id, group);
    ASSERT_TRUE(t.insert_order(row).has_value());
    AttemptRow attempt = an_attempt(row, 1, state);
    attempt.held = true;
    ASSERT_TRUE(t.insert_attempt(attempt).has_value());
    row.current_attempt = 1;
    row.state = state;
    ASSERT_TRUE(t.update_order(row).has_value());
  }
  static std::vector<std::string> names(const std::vector<OrderRow>& rows) {
    std::vector<std::string> out;
    out.reserve(rows.size());
    for (const OrderRow& row : rows) {
      out.push_back(row.id.text());
    }
    return out;
  }
};
INSTANTIATE_TEST_SUITE_P(, CampaignStoreTest, every_kind(), kind_name);

TEST_P(CampaignStoreTest, EveryFieldOfACampaignReadsBackAfterReopening) {
  CampaignRow row = a_campaign();
  {
    auto t = store->begin().value();
    EXPECT_EQ(t->campaigns().find_campaign(name()).value().has_value(), false);
    ASSERT_TRUE(t->campaigns().insert_campaign(row).has_value());
    row.state = CampaignState::kAborting;
    row.reason = "鍵";
    row.changed_at = -7;
    row.released = 8;
    row.credit = -9;
    row.credit_at = 10;
    row.settled_at = 11;
    row.due = 12;
    row.changed_by = delivery::CampaignActor::kOperator;
    row.paused_by = {.operated = true};
    ASSERT_TRUE(t->campaigns().update_campaign(row).has_value());
    EXPECT_EQ(t->campaigns().find_campaign(name())->value().due, 12);
    ASSERT_TRUE(t->commit().has_value());
  }
  reopen();
  auto t = store->begin().value();
  for (const auto& back : {t->campaigns().find_campaign(name()).value().value(),
                           t->campaigns().take_campaign(name()).value().value(),
                           t->campaigns().list_campaigns(kProvider, "", 9).value().at(0)}) {
    EXPECT_EQ(back.key(), row.key());
    EXPECT_EQ(back.terms, row.terms);
    EXPECT_EQ(back.created_at, 5);
    EXPECT_EQ(back.state, CampaignState::kAborting);
    EXPECT_EQ(back.reason, "鍵");
    EXPECT_EQ(back.changed_at, -7);
    EXPECT_EQ(back.released, 8U);
    EXPECT_EQ(back.credit, -9);
    EXPECT_EQ(back.credit_at, 10);
    EXPECT_EQ(back.settled_at, 11);
    EXPECT_EQ(back.due, 12);
    EXPECT_EQ(back.changed_by, delivery::CampaignActor::kOperator);
    EXPECT_EQ(back.paused_by, delivery::Pausers{.operated = true});
  }
  EXPECT_FALSE(t->campaigns().find_campaign(name("c", Spid{{2}})).value().has_value());
  EXPECT_TRUE(t->campaigns().list_campaigns(kProvider, "c", 9).value().empty());
  EXPECT_TRUE(t->campaigns().list_campaigns(Spid{{2}}, "", 9).value().empty());
  t.reset();
  EXPECT_EQ(store->snapshot().value()->next_campaigns().value().size(), 1U);
}

TEST_P(CampaignStoreTest, WhatIsDueIsTakenInItsOrderAndWhatHasEndedIsNot) {
  auto t = store->begin().value();
  std::int64_t due = 30;
  for (const char* id : {"c", "b", "a"}) {
    CampaignRow row = a_campaign(id);
    row.due = due;
    due -= 10;
    ASSERT_TRUE(t->campaigns().insert_campaign(row).has_value());
  }
  CampaignRow ended = a_campaign("ended");
  ended.state = CampaignState::kCompleted;
  ASSERT_TRUE(t->campaigns().insert_campaign(ended).has_value());
  CampaignRow first = t->campaigns().take_due(INT64_MIN, 20).value().value();
  EXPECT_EQ(first.id.text(), "a");
  first.due = 40;
  ASSERT_TRUE(t->campaigns().update_campaign(first).has_value());
  EXPECT_EQ(t->campaigns().take_due(INT64_MIN, 20).value().value().id.text(), "b");
  EXPECT_EQ(t->campaigns().take_due(31, INT64_MAX).value().value().id.text(), "a");
  EXPECT_FALSE(t->campaigns().take_due(INT64_MIN, 19).value().has_value());
}

TEST_P(CampaignStoreTest, OpenCampaignsAreCountedUpToALimitByProvider) {
  auto t = store->begin().value();
  EXPECT_EQ(t->campaigns().open_campaigns(kProvider, 9).value(), 0U);
  for (const auto& [id, state] :
       {std::pair{"a", CampaignState::kRunning}, std::pair{"b", CampaignState::kPaused},
        std::pair{"c", CampaignState::kExpiring}, std::pair{"d", CampaignState::kExpired},
        std::pair{"e", CampaignState::kCompleted}}) {
    CampaignRow row = a_campaign(id);
    row.state = state;
    ASSERT_TRUE(t->campaigns().insert_campaign(row).has_value());
  }
  EXPECT_EQ(t->campaigns().open_campaigns(kProvider, 9).value(), 3U);
  EXPECT_EQ(t->campaigns().open_campaigns(kProvider, 2).value(), 2U);
  EXPECT_EQ(t->campaigns().open_campaigns(Spid{{2}}, 9).value(), 0U);
}

TEST_P(CampaignStoreTest, AHeldAttemptIsNoWorkUntilItsOrderIsReleased) {
  const DeviceId phone = DeviceId::from("phone").value();
  {
    auto t = store->begin().value();
    join(*t, "a", 1, State::kOrdered);
    join(*t, "b", 0, State::kSealed);
    join(*t, "gone", 0, State::kCancelled);
    const OrderRow bare = a_member("bare", 0);
    ASSERT_TRUE(t->insert_order(bare).has_value());
    ASSERT_TRUE(t->commit().has_value());
  }
  reopen();
  auto t = store->begin().value();
  ASSERT_TRUE(t->expect({.work = {{phone, 0}}}).has_value());
  EXPECT_EQ(t->next_work(phone, 0).value(), std::nullopt);
  EXPECT_EQ(names(t->campaigns().orders_to_release(name(), 0, 9).value()),
            std::vector<std::string>{"b"});
  EXPECT_EQ(names(t->campaigns().orders_to_release(name(), 9, 1).value()),
            std::vector<std::string>{"b"});
  const auto orders = t->campaigns().orders_to_release(name(), 9, 9).value();
  EXPECT_EQ(names(orders), (std::vector<std::string>{"b", "a"}));
  EXPECT_TRUE(t->campaigns().orders_to_release(name("other"), 9, 9).value().empty());
  OrderRow b = orders[0];
  EXPECT_EQ(b.membership,
            (Membership{.campaign = name().id, .group = 0, .attributes = {{"site", "lab"}}}));
  b.membership->held = false;
  ASSERT_TRUE(t->update_order(b).has_value());
  AttemptRow attempt = t->find_attempt(b.key(), 1).value().value();
  EXPECT_TRUE(attempt.held);
  attempt.held = false;
  ASSERT_TRUE(t->update_attempt(attempt).has_value());
  EXPECT_EQ(t->next_work(phone, 0).value()->order.text(), "b");
  EXPECT_EQ(names(t->campaigns().orders_to_release(name(), 9, 9).value()),
            std::vector<std::string>{"a"});
  EXPECT_EQ(t->overdue_attempts(5'000, 9).value().size(), 2U) << "what is held expires, too";
}

TEST_P(CampaignStoreTest, WhatNobodyFetchedIsFoundToBeCancelled) {
  auto t = store->begin().value();
  join(*t, "a", 0, State::kOrdered);
  join(*t, "b", 0, State::kEnrolled);
  join(*t, "c", 0, State::kSealed);
  join(*t, "d", 0, State::kHandedOver);
  join(*t, "e", 0, State::kConfirmed);
  join(*t, "f", 0, State::kSealed);
  OrderRow f = t->find_order(key("f")).value().value();
  f.membership->touched = true;
  ASSERT_TRUE(t->update_order(f).has_value());
  ASSERT_TRUE(t->insert_order(a_member("bare", 0)).has_value());
  ASSERT_TRUE(t->insert_order(a_member("other", 0, "x")).has_value());
  ASSERT_TRUE(t->insert_order(an_order("none")).has_value());
  EXPECT_EQ(names(t->campaigns().orders_to_cancel(name(), 9).value()),
            (std::vector<std::string>{"a", "b", "bare", "c"}));
  EXPECT_EQ(t->campaigns().orders_to_cancel(name(), 2).value().size(), 2U);
}

TEST_P(CampaignStoreTest, OrdersAreCountedByGroupAndPhaseAndWhatIsRolledBackIsNot) {
  auto t = store->begin().value();
  join(*t, "a", 0, State::kOrdered);
  join(*t, "b", 1, State::kSealed);
  const std::vector<PhaseCount> two = {{0, std::nullopt, 1}, {1, std::nullopt, 1}};
  EXPECT_EQ(t->campaigns().phase_counts(name()).value(), two);
  ASSERT_TRUE(t->mark().has_value());
  join(*t, "c", 1, State::kSealed);
  EXPECT_EQ(t->campaigns().phase_counts(name()).value()[1].count, 2U);
  static_cast<void>(t->list(kProvider, {}, 0, 9).value());  // sends it, so that it is undone there
  ASSERT_TRUE(t->roll_back_to_mark().has_value());
  EXPECT_EQ(t->campaigns().phase_counts(name()).value(), two);
  ASSERT_TRUE(t->mark().has_value());
  OrderRow a = t->find_order(key("a")).value().value();
  a.membership->held = false;
  ASSERT_TRUE(t->update_order(a).has_value());
  OrderRow b = t->find_order(key("b")).value().value();
  b.state = State::kCancelled;
  ASSERT_TRUE(t->update_order(b).has_value());
  const std::vector<PhaseCount> after = {{0, State::kOrdered, 1}, {1, State::kCancelled, 1}};
  EXPECT_EQ(t->campaigns().phase_counts(name()).value(), after);
  ASSERT_TRUE(t->commit().has_value());
  t.reset();
  const auto kept = store->snapshot().value()->next_campaign_counts().value();
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[0].campaign, name());
  EXPECT_EQ(store->begin().value()->campaigns().phase_counts(name()).value(), after);
}

TEST_P(CampaignStoreTest, AnOrdersHistoryIsNumberedAndGoesWithItsTransaction) {
  const auto event = [](const char* what) {
    return HistoryRow{.time = -3, .event = what, .revision = 2};
  };
  {
    auto t = store->begin().value();
    put(*t, "a", State::kOrdered);
    put(*t, "b", State::kOrdered);
    ASSERT_TRUE(t->campaigns().append_history(key("a"), event("order")).has_value());
    ASSERT_TRUE(t->campaigns().append_history(key("b"), event("order")).has_value());
    ASSERT_TRUE(t->mark().has_value());
    ASSERT_TRUE(t->campaigns().append_history(key("a"), event("undone")).has_value());
    ASSERT_TRUE(t->roll_back_to_mark().has_value());
    ASSERT_TRUE(t->mark().has_value());
    ASSERT_TRUE(t->campaigns().append_history(key("a"), event("attempt")).has_value());
    ASSERT_TRUE(t->commit().has_value());
  }
  {
    auto t = store->begin().value();
    ASSERT_TRUE(t->campaigns().append_history(key("a"), event("expire")).has_value());
    ASSERT_TRUE(t->commit().has_value());
  }
  auto t = store->begin().value();
  const auto rows = t->campaigns().history_of(key("a"), 0, 9).value();
  ASSERT_EQ(rows.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    HistoryRow wanted = event(std::array{"order", "attempt", "expire"}.at(i));
    wanted.ordinal = i + 1;
    EXPECT_EQ(rows[i], wanted) << i;
  }
  EXPECT_EQ(t->campaigns().history_of(key("a"), 1, 1).value().at(0).event, "attempt");
  EXPECT_EQ(t->campaigns().history_of(key("b"), 0, 9).value().size(), 1U);
}

}  // namespace
}  // namespace kagibin::store
