// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/order_store_sqlite.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "kagibin/delivery/store_snapshot.h"
#include "kagibin/store/database.h"
#include "kagibin/store/orders/order_schema.h"
#include "kagibin/store/orders/test_rows.h"
#include "kagibin/store/test_folder.h"

namespace kagibin::store {
namespace {

struct OrderStoreSqliteTest : testing::Test {
  OrderStoreSqliteTest() { reopen(); }
  void reopen(std::optional<std::uint32_t> max_pages = {}) {
    store.reset();
    store = open_order_store({.path = folder / "orders", .max_pages = max_pages}).value();
  }
  TestFolder folder;
  std::unique_ptr<OrderStore> store;
};

// Whoever only reads decides nothing for whoever serves: an audit migrates no store.
TEST_F(OrderStoreSqliteTest, ReadingChangesNoFileAndRefusesAnOlderOne) {
  EXPECT_FALSE(open_order_store({.path = folder / "none", .read_only = true}).has_value());
  EXPECT_FALSE(std::filesystem::exists(folder / "none"));
  const auto two = std::span(kOrderMigrations).first(2);
  const Database::Options old{
      .path = folder / "old", .application_id = kOrderApplicationId, .migrations = two};
  ASSERT_TRUE(Database::open(old).has_value());
  const auto refused = open_order_store({.path = folder / "old", .read_only = true});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kNotSupported);
  EXPECT_NE(refused.error().detail.text().find("older"), std::string_view::npos);
  EXPECT_TRUE(Database::open(old).has_value()) << "it is of version 2 still";
  // Beside one who writes.
  auto t = store->begin().value();
  const auto reading = open_order_store({.path = folder / "orders", .read_only = true}).value();
  EXPECT_TRUE(t->insert_order(an_order("a")).has_value());
  EXPECT_TRUE(reading->snapshot().value()->next_orders().value().empty());
  ASSERT_TRUE(t->commit().has_value());
  EXPECT_EQ(reading->snapshot().value()->next_orders().value().size(), 1U);
  const auto writing = reading->begin();
  EXPECT_FALSE(writing && (*writing)->insert_order(an_order("b")) && (*writing)->commit());
}

TEST_F(OrderStoreSqliteTest, AFileOfVersion1KeepsEverything) {
  store.reset();
  {
    const auto one = std::span(kOrderMigrations).first(1);
    Database db =
        Database::open(
            {.path = folder / "old", .application_id = kOrderApplicationId, .migrations = one})
            .value();
    ASSERT_TRUE(
        db.run("INSERT INTO orders VALUES "
               "('a', X'01000000000000000000000000000000', 'phone', 900, 'sealed', 1, 5),"
               "('b', X'02000000000000000000000000000000', 'phone', 950, 'ordered', 0, 6);"
               "INSERT INTO attempts VALUES (7, 'a', 1, X'01000000000000000000000000000000',"
               " 'phone', 900, 'enrol', 'sealed', X'E000', X'E4', X'E2', 1, 'unknown',"
               " 'late', 1, NULL, 33);"
               "INSERT INTO receipts VALUES ('a', 1, 1, X'E301');"
               "UPDATE counters SET value = 33;")
            .has_value());
  }
  store = open_order_store({.path = folder / "old"}).value();
  auto t = store->begin().value();
  const AttemptRow attempt = t->find_attempt(key("a"), 1).value().value();
  EXPECT_EQ(attempt.order_key(), key("a"));
  EXPECT_EQ(attempt.sequence, 7U);
  EXPECT_EQ(attempt.change, 33U);
  EXPECT_EQ(attempt.envelope, Bytes{0xE2});
  EXPECT_EQ(attempt.verdict, (VerdictMessage{Verdict::kUnknown, "late", 1}));
  EXPECT_EQ(t->find_order(key("a")).value()->created_at, 5);
  EXPECT_EQ(t->order_counts(std::nullopt).value(),
            (std::vector<delivery::OrderCount>{{kProvider, State::kSealed, 1},
                                               {Spid{{2}}, State::kOrdered, 1}}));
  EXPECT_EQ(t->receipts_of(key("a"), 1).value(), (std::vector<Bytes>{{0xE3, 0x01}}));
  OrderRow second = t->find_order(key("b", Spid{{2}})).value().value();
  ASSERT_TRUE(t->insert_attempt(an_attempt(second, 1, State::kOrdered)).has_value());
  EXPECT_EQ(t->find_attempt(second.key(), 1).value()->sequence, 8U) << "cursors stay good";
  EXPECT_EQ(t->insert_attempt(an_attempt(an_order("z"), 1, State::kOrdered)).error().code,
            Errc::kNotFound);
  const std::vector<Bytes> entries = t->audit().without_place(10).value();
  ASSERT_EQ(entries.size(), 1U) << "no history is invented";
  EXPECT_TRUE(std::string(entries[0].begin(), entries[0].end()).ends_with(" begin 2 1"));
  EXPECT_TRUE(t->commit().has_value());
}

TEST_F(OrderStoreSqliteTest, AFullStoreKeepsWhatWasCommittedAndSaysSoOfTheRest) {
  reopen(60);
  std::size_t committed = 0;
  Result<void> result;
  for (int i = 0; i < 400 && result; ++i) {
    auto t = store->begin().value();
    OrderRow order = an_order("order-" + std::to_string(i));
    AttemptRow attempt = an_attempt(order, 1, State::kOrdered);
    attempt.opening.resize(4'000);
    result = t->insert_order(order);
    if (result) {
      result = t->insert_attempt(attempt);
    }
    if (result) {
      result = t->commit();
    } else {
      EXPECT_FALSE(t->commit().has_value() && t->find_order(order.key()).has_value());
    }
    committed += result ? 1U : 0U;
  }
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, Errc::kNoSpace);
  EXPECT_GT(committed, 5U);
  reopen();
  auto t = store->begin().value();
  EXPECT_EQ(t->list(Spid{{1}}, {}, 0, 1'000).value().size(), committed);
}

}  // namespace
}  // namespace kagibin::store
