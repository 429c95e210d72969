// SPDX-License-Identifier: Apache-2.0
// Limits of tenants and kept answers, over each store behind delivery/order_store.h.
#include <chrono>
#include <ctime>
#include <thread>

#include <gtest/gtest.h>

#include "kagibin/store/test_bed.h"

namespace kagibin::store {
namespace {

struct LimitRowsTest : BedTest {};
INSTANTIATE_TEST_SUITE_P(, LimitRowsTest, every_kind(), kind_name);
// Whose rows something else changes meanwhile.
struct LimitRowsInDatabasesTest : LimitRowsTest {};
INSTANTIATE_TEST_SUITE_P(, LimitRowsInDatabasesTest, databases(), kind_name);

constexpr std::int64_t kLater = 1'800'000'000;

TEST_P(LimitRowsTest, ATenantHasNoLimitsUntilItIsGivenSome) {
  auto t = store->begin().value();
  EXPECT_FALSE(t->tenants().find_tenant(kProvider, kLater).value().has_value());
  const delivery::TenantLimits limits{.max_open = 3,
                                      .rate = delivery::TenantRate{.per_minute = 60, .burst = 2}};
  ASSERT_TRUE(t->tenants().put_limits(kProvider, limits, kLater).has_value());
  ASSERT_TRUE(t->commit().has_value());
  t.reset();
  reopen();
  t = store->begin().value();
  const auto tenant = t->tenants().find_tenant(kProvider, kLater).value();
  ASSERT_TRUE(tenant.has_value());
  EXPECT_EQ(tenant->limits, limits);
  EXPECT_EQ(tenant->units, 2 * delivery::kOrderUnits);
  EXPECT_EQ(tenant->open, 0U);
  EXPECT_EQ(t->tenants().all_tenants(kLater)->size(), 1U);
  ASSERT_TRUE(t->tenants().put_limits(kProvider, {.max_open = {}, .rate = {}}, kLater).has_value());
  EXPECT_EQ(t->tenants().find_tenant(kProvider, kLater).value()->limits, delivery::TenantLimits{});
}

// Of a tenant that has none yet, and of one that has some.
TEST_P(LimitRowsInDatabasesTest, TwoThatChangeATenantsLimitsAtOnceBothDo) {
  const auto other_store = bed.open();
  for (const std::uint32_t number : {1U, 2U}) {
    auto first = store->begin().value();
    delivery::TenantLimits limits = first->tenants().take_tenant(kProvider, kLater)->limits;
    limits.max_open = number;
    std::jthread second([&] {
      auto t = other_store->begin().value();
      delivery::TenantLimits own = t->tenants().take_tenant(kProvider, kLater)->limits;
      own.rate = delivery::TenantRate{.per_minute = number, .burst = number};
      ASSERT_TRUE(t->tenants().put_limits(kProvider, own, kLater).has_value());
      ASSERT_TRUE(t->commit().has_value());
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // it waits, or has read too early
    ASSERT_TRUE(first->tenants().put_limits(kProvider, limits, kLater).has_value());
    ASSERT_TRUE(first->commit().has_value());
    first.reset();
    second.join();
    const auto tenant = store->begin().value()->tenants().find_tenant(kProvider, kLater).value();
    ASSERT_TRUE(tenant.has_value());
    EXPECT_EQ(tenant->limits.max_open, number);
    EXPECT_EQ(tenant->limits.rate, (delivery::TenantRate{.per_minute = number, .burst = number}));
  }
}

TEST_P(LimitRowsTest, WhatATransactionSpendsIsSeenAtOnceAndUndoneWithIt) {
  auto t = store->begin().value();
  const delivery::TenantLimits limits{.max_open = 10,
                                      .rate = delivery::TenantRate{.per_minute = 1, .burst = 4}};
  ASSERT_TRUE(t->tenants().put_limits(kProvider, limits, kLater).has_value());
  ASSERT_TRUE(t->commit().has_value());
  t.reset();
  const auto orders_left = [&] {
    return t->tenants().find_tenant(kProvider, kLater).value()->units / delivery::kOrderUnits;
  };
  const auto open = [&] { return t->tenants().find_tenant(kProvider, kLater).value()->open; };
  const auto open_one = [&](const std::string& name) {
    ASSERT_TRUE(t->insert_order(an_order(name)).has_value());
    ASSERT_TRUE(t->tenants().spend(kProvider, true, kLater).has_value());
  };
  t = store->begin().value();
  delivery::Expectation expectation;
  expectation.changed = {key("a"), key("b"), key("c")};
  expectation.tenants = {kProvider};
  ASSERT_TRUE(t->expect(expectation).has_value());
  EXPECT_EQ(orders_left(), 4);
  ASSERT_TRUE(t->mark().has_value());
  open_one("a");
  EXPECT_EQ(orders_left(), 3);
  EXPECT_EQ(open(), 1U);
  ASSERT_TRUE(t->mark().has_value());
  open_one("b");
  EXPECT_EQ(open(), 2U);
  // A listing behind a change makes a store send what it has.
  EXPECT_EQ(t->list(kProvider, {}, 0, 10).value().size(), 0U);
  EXPECT_EQ(orders_left(), 2);
  open_one("c");
  EXPECT_EQ(orders_left(), 1);
  ASSERT_TRUE(t->roll_back_to_mark().has_value());
  EXPECT_EQ(orders_left(), 3);
  EXPECT_EQ(open(), 1U);
  ASSERT_TRUE(t->mark().has_value());
  open_one("b");
  OrderRow done = an_order("a");
  done.state = State::kConfirmed;
  ASSERT_TRUE(t->update_order(done).has_value());
  EXPECT_EQ(open(), 1U) << "one is over";
  ASSERT_TRUE(t->commit().has_value());
  t.reset();
  t = store->begin().value();
  EXPECT_EQ(orders_left(), 2);
  EXPECT_EQ(open(), 1U);
  ASSERT_TRUE(t->tenants().spend(kProvider, false, kLater).has_value());
  t.reset();
  t = store->begin().value();
  EXPECT_EQ(orders_left(), 2) << "it was not committed";
}

TEST_P(LimitRowsInDatabasesTest, AClockThatWasSetBackIsCountedOnFromWhoeverOnlyAsks) {
  constexpr std::int64_t kYear3000 = 32'503'680'000'000;
  {
    auto t = store->begin().value();
    const delivery::TenantLimits limits{
        .rate = delivery::TenantRate{.per_minute = 1'000'000, .burst = 5}};
    ASSERT_TRUE(t->tenants().put_limits(kProvider, limits, kLater).has_value());
    ASSERT_TRUE(t->commit().has_value());
  }
  bed.run("UPDATE tenants SET units = 0, filled_at = " + std::to_string(kYear3000));
  {
    auto t = store->begin().value();
    delivery::Expectation expectation;
    expectation.tenants = {kProvider};
    ASSERT_TRUE(t->expect(expectation).has_value());
    EXPECT_EQ(t->tenants().find_tenant(kProvider, kLater).value()->units, 0);
    ASSERT_TRUE(t->commit().has_value());
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  auto t = store->begin().value();
  EXPECT_GT(t->tenants().find_tenant(kProvider, kLater + 1).value()->units, 0);
}

TEST_P(LimitRowsTest, OrdersAreOpenInTheStatesOfTheTable) {
  auto t = store->begin().value();
  ASSERT_TRUE(t->tenants().put_limits(kProvider, {.max_open = 99}, kLater).has_value());
  std::uint64_t open = 0;
  for (std::size_t i = 0; i < delivery::kStateCount; ++i) {
    const auto state = static_cast<State>(i);
    OrderRow order = an_order("in-" + std::to_string(i));
    order.state = state;
    ASSERT_TRUE(t->insert_order(order).has_value());
    open += delivery::is_open(state) ? 1 : 0;
  }
  EXPECT_EQ(t->tenants().find_tenant(kProvider, kLater).value()->open, open);
  ASSERT_TRUE(t->commit().has_value());
  t.reset();
  EXPECT_EQ(store->begin().value()->tenants().find_tenant(kProvider, kLater).value()->open, open);
}

// PostgreSQL's clock is its own.
std::int64_t now() { return std::time(nullptr); }

delivery::AnswerRow an_answer(std::string owner, std::string name) {
  delivery::AnswerRow row;
  row.name = {.owner = std::move(owner), .key = std::move(name)};
  row.request.fill(0x5A);
  row.status = 201;
  row.body = R"({"state":"ordered"})";
  return row;
}

TEST_P(LimitRowsInDatabasesTest, AKeptAnswerIsItsOwnersAndReadsBackAfterReopening) {
  const auto same = [](const delivery::AnswerRow& row, std::optional<delivery::AnswerRow> found) {
    if (found) {
      found->kept_at = row.kept_at;
    }
    return found == row;
  };
  auto t = store->begin().value();
  const delivery::AnswerRow one = an_answer("provider:A", "k");
  delivery::AnswerRow other = an_answer("provider:B", "k");
  other.body = "{}";
  delivery::Expectation expectation;
  expectation.answers = {one.name, other.name};
  ASSERT_TRUE(t->expect(expectation).has_value());
  EXPECT_FALSE(t->answers().find_answer(one.name, now()).value().has_value());
  ASSERT_TRUE(t->mark().has_value());
  ASSERT_TRUE(t->answers().put_answer(one, now()).has_value());
  EXPECT_TRUE(same(one, t->answers().find_answer(one.name, now()).value())) << "at once";
  EXPECT_EQ(t->answers().count_answers("provider:A"), 1U);
  ASSERT_TRUE(t->roll_back_to_mark().has_value());
  EXPECT_FALSE(t->answers().find_answer(one.name, now()).value().has_value());
  ASSERT_TRUE(t->answers().put_answer(one, now()).has_value());
  ASSERT_TRUE(t->answers().put_answer(other, now()).has_value());
  ASSERT_TRUE(t->commit().has_value());
  t.reset();
  reopen();
  t = store->begin().value();
  EXPECT_TRUE(same(one, t->answers().find_answer(one.name, now()).value()));
  EXPECT_TRUE(same(other, t->answers().find_answer(other.name, now()).value()));
  EXPECT_NEAR(static_cast<double>(t->answers().find_answer(one.name, now()).value()->kept_at),
              static_cast<double>(now()), 60.0);
  EXPECT_FALSE(
      t->answers().find_answer({.owner = "provider:C", .key = "k"}, now()).value().has_value());
  EXPECT_EQ(t->answers().count_answers("provider:C"), 0U);
  t.reset();
  for (const char* shift : {"- 90000", "+ 90000"}) {  // over, or from the future
    bed.run("UPDATE answers SET kept_at = kept_at " + std::string(shift) +
            " WHERE owner = 'provider:A'");
    t = store->begin().value();
    EXPECT_FALSE(t->answers().find_answer(one.name, now()).value().has_value()) << shift;
    delivery::AnswerRow anew = one;
    anew.body = shift;
    ASSERT_TRUE(t->answers().put_answer(anew, now()).has_value());
    ASSERT_TRUE(t->commit().has_value()) << "in the place of the one that is over";
    t.reset();
    t = store->begin().value();
    EXPECT_TRUE(same(anew, t->answers().find_answer(one.name, now()).value())) << shift;
    t.reset();
  }
}

TEST_P(LimitRowsTest, WhatIsLongCountsMore) {
  auto t = store->begin().value();
  for (int i = 0; i < 3; ++i) {
    delivery::AnswerRow row = an_answer("p", "k" + std::to_string(i));
    row.body = std::string(std::size_t{10} * 1'024, 'x');
    ASSERT_TRUE(t->answers().put_answer(row, now()).has_value());
  }
  ASSERT_TRUE(t->commit().has_value());
  t.reset();
  t = store->begin().value();
  EXPECT_GE(t->answers().count_answers("p").value(), 22U);
  EXPECT_LE(t->answers().count_answers("p").value(), 33U);
}

TEST_P(LimitRowsInDatabasesTest, OldAnswersAreForgottenAFewAtATimeAndOldestFirst) {
  auto t = store->begin().value();
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(
        t->answers().put_answer(an_answer("p", "k" + std::to_string(i)), now()).has_value());
  }
  ASSERT_TRUE(t->commit().has_value());
  t.reset();
  for (int i = 0; i < 5; ++i) {
    bed.run("UPDATE answers SET kept_at = kept_at - " + std::to_string(90'000 - i) +
            " WHERE name = 'k" + std::to_string(i) + "'");
  }
  t = store->begin().value();
  EXPECT_EQ(t->answers().forget_answers(now(), 3), 3U);
  EXPECT_EQ(t->answers().count_answers("p"), 4U) << "the first three";
  EXPECT_EQ(t->answers().forget_answers(now(), 3), 2U);
  EXPECT_EQ(t->answers().forget_answers(now(), 3), 0U);
  ASSERT_TRUE(t->commit().has_value());
  t.reset();
  bed.run("UPDATE answers SET kept_at = kept_at + 90000 WHERE name = 'k6'");
  t = store->begin().value();
  EXPECT_EQ(t->answers().forget_answers(now(), 3), 1U) << "from the future";
  EXPECT_EQ(t->answers().count_answers("p"), 1U);
}

}  // namespace
}  // namespace kagibin::store
