// SPDX-License-Identifier: Apache-2.0
// What only a store has that several distributors share: order_store_test.cc has the rest.
#include "kagibin/store/postgres/order_store_postgres.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "kagibin/delivery/store_snapshot.h"
#include "kagibin/store/orders/test_rows.h"
#include "kagibin/store/postgres/order_schema_postgres.h"
#include "kagibin/store/postgres/order_transaction_postgres.h"
#include "kagibin/store/postgres/postgres_schema.h"
#include "kagibin/store/postgres/test_cluster.h"

namespace kagibin::store {
namespace {

DeviceId phone() { return DeviceId::from("phone").value(); }

std::unique_ptr<OrderStore> open(const TestCluster& cluster = TestCluster::shared()) {
  return open_order_store_postgres({.address = cluster.address()}).value();
}

struct OrderStorePostgresTest : testing::Test {
  OrderStorePostgresTest() {
    TestCluster::shared().empty_database();
    one = open();
    two = open();
  }
  void put_committed(const std::string& id, State state) {
    auto t = one->begin().value();
    put(*t, id, state);
    ASSERT_TRUE(t->commit().has_value());
  }
  // Moves the attempt of `id` in a transaction of its own; what it found there.
  static Result<State> move(OrderStore& store, std::string_view id, State to) {
    const auto t = KB_TRY(store.begin());
    std::optional<AttemptRow> row = KB_TRY(t->find_attempt(key(id), 1));
    const State before = row.value().state;
    row->state = to;
    KB_TRY(t->update_attempt(*row));
    KB_TRY(t->commit());
    return before;
  }
  std::unique_ptr<OrderStore> one;
  std::unique_ptr<OrderStore> two;
};

// P 4, I1: an order's name is taken once, whoever takes it
TEST_F(OrderStorePostgresTest, OneOfTwoDistributorsThatPutOneOrderTriesAgainAndFindsIt) {
  auto first = one->begin().value();
  auto second = two->begin().value();
  ASSERT_TRUE(second->expect({.changed = {key("a")}}).has_value());
  put(*first, "a", State::kOrdered);
  put(*second, "a", State::kSealed);
  ASSERT_TRUE(first->commit().has_value());
  EXPECT_EQ(second->commit().error().code, Errc::kInterrupted);
  EXPECT_EQ(second->find_order(key("a")).error().code, Errc::kStore);
  second.reset();
  second = two->begin().value();
  EXPECT_EQ(second->find_attempt(key("a"), 1).value()->state, State::kOrdered);
}

TEST_F(OrderStorePostgresTest, AnOrderThatOneChangesIsReadByTheOtherWhenItIsDone) {
  put_committed("a", State::kSealed);
  auto first = one->begin().value();
  AttemptRow row = first->find_attempt(key("a"), 1).value().value();
  std::atomic<bool> read = false;
  State seen = State::kOrdered;
  std::thread other([&] {
    seen = move(*two, "a", State::kConfirmed).value();
    read = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  EXPECT_FALSE(read) << "it did not wait for the first one's lock";
  row.state = State::kHandedOver;
  ASSERT_TRUE(first->update_attempt(row).has_value());
  ASSERT_TRUE(first->commit().has_value());
  other.join();
  EXPECT_EQ(seen, State::kHandedOver) << "a change was lost";
}

TEST_F(OrderStorePostgresTest, WhatWasReadWithoutALockAndThenChangedByAnotherIsTriedAgain) {
  put_committed("a", State::kSealed);
  auto first = one->begin().value();
  ASSERT_TRUE(first->expect({.read = {key("a")}}).has_value());
  AttemptRow row = first->find_attempt(key("a"), 1).value().value();
  ASSERT_EQ(move(*two, "a", State::kHandedOver).value(), State::kSealed);
  row.state = State::kCancelled;
  EXPECT_EQ(first->update_attempt(row).error().code, Errc::kInterrupted);
  first.reset();
  EXPECT_EQ(move(*two, "a", State::kReported).value(), State::kHandedOver);
}

TEST_F(OrderStorePostgresTest, WorkThatOneHoldsIsPassedOverUnlessItIsExpected) {
  put_committed("a", State::kSealed);
  put_committed("b", State::kSealed);
  auto first = one->begin().value();
  ASSERT_EQ(first->next_work(phone(), 0).value()->order.text(), "a");
  {
    auto second = two->begin().value();
    EXPECT_EQ(second->next_work(phone(), 0).value()->order.text(), "b");
  }
  // The device asks twice at once, at two distributors: both give it the same.
  std::string seen;
  std::thread other([&] {
    auto second = two->begin().value();
    ASSERT_TRUE(second->expect({.work = {{phone(), 0}}}).has_value());
    seen = second->next_work(phone(), 0).value()->order.text();
  });
  AttemptRow row = first->find_attempt(key("a"), 1).value().value();
  row.state = State::kHandedOver;
  ASSERT_TRUE(first->update_attempt(row).has_value());
  ASSERT_TRUE(first->commit().has_value());
  other.join();
  EXPECT_EQ(seen, "a");
}

TEST_F(OrderStorePostgresTest, WorkThatWentWhileItsLockWasAwaitedGivesTheNext) {
  put_committed("a", State::kSealed);
  put_committed("b", State::kSealed);
  auto first = one->begin().value();
  AttemptRow row = first->find_attempt(key("a"), 1).value().value();
  std::string seen;
  std::thread other([&] {
    auto second = two->begin().value();
    ASSERT_TRUE(second->expect({.work = {{phone(), 0}}}).has_value());
    seen = second->next_work(phone(), 0).value()->order.text();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  row.state = State::kReported;
  ASSERT_TRUE(first->update_attempt(row).has_value());
  ASSERT_TRUE(first->commit().has_value());
  other.join();
  EXPECT_EQ(seen, "b");
}

TEST_F(OrderStorePostgresTest, EachOverdueOrderIsTakenByOneDistributor) {
  for (const char* id : {"a", "b", "c", "d"}) {
    put_committed(id, State::kSealed);
  }
  auto first = one->begin().value();
  auto second = two->begin().value();
  const auto mine = first->overdue_attempts(2'000, 2).value();
  const auto theirs = second->overdue_attempts(2'000, 10).value();
  std::set<std::string> all;
  for (const auto& row : mine) {
    all.insert(row.order.text());
  }
  for (const auto& row : theirs) {
    all.insert(row.order.text());
  }
  EXPECT_EQ(mine.size(), 2U);
  EXPECT_EQ(theirs.size(), 2U);
  EXPECT_EQ(all.size(), 4U);
}

// P 4: only later changes come behind a cursor, and every one of them
TEST_F(OrderStorePostgresTest, AReaderBehindACursorMissesNoChangeOfThreeWriters) {
  constexpr int kOrders = 60;
  std::atomic<int> writing = 3;
  std::vector<std::jthread> writers;
  writers.reserve(3);
  for (int writer = 0; writer < 3; ++writer) {
    writers.emplace_back([&, writer] {
      const auto store = open();
      for (int i = 0; i < kOrders; ++i) {
        auto t = store->begin().value();
        for (int j = 0; j <= i % 3; ++j) {
          put(*t, "w" + std::to_string(writer) + "-" + std::to_string(i) + "-" + std::to_string(j),
              State::kOrdered);
        }
        if (i % 4 == 0) {  // holds the counter for a while
          static_cast<void>(t->list(kProvider, {}, 1'000'000'000, 1));
          std::this_thread::sleep_for(std::chrono::milliseconds(3));
        }
        ASSERT_TRUE(t->commit().has_value());
      }
      --writing;
    });
  }
  std::set<std::string> seen;
  std::uint64_t after = 0;
  for (bool last = false;;) {
    auto t = one->begin().value();
    const auto rows = t->list(kProvider, {}, after, 7).value();
    for (const auto& row : rows) {
      EXPECT_GT(row.change, after);
      after = row.change;
      EXPECT_TRUE(seen.insert(row.order.text()).second) << "twice: " << row.order.text();
    }
    if (rows.empty() && last) {
      break;
    }
    last = writing == 0;
  }
  EXPECT_EQ(seen.size(), 3U * (kOrders / 3) * 6);
}

TEST_F(OrderStorePostgresTest, DistributorsThatMeetInOppositeOrderDoNotWaitInACircle) {
  put_committed("a", State::kSealed);
  put_committed("b", State::kSealed);
  const auto work = [](OrderStore& store, const std::vector<OrderKey>& keys) {
    for (int i = 0; i < 100; ++i) {
      auto t = store.begin().value();
      ASSERT_TRUE(t->expect({.changed = keys}).has_value());
      for (const OrderKey& one : keys) {
        const AttemptRow row = t->find_attempt(one, 1).value().value();
        ASSERT_TRUE(t->update_attempt(row).has_value());
      }
      ASSERT_TRUE(t->commit().has_value());
    }
  };
  std::thread other([&] { work(*two, {key("b"), key("a")}); });
  work(*one, {key("a"), key("b")});
  other.join();
}

TEST_F(OrderStorePostgresTest, WhatOneCommitsTheOtherHears) {
  static_cast<void>(one->news());
  static_cast<void>(two->news());
  std::vector<std::string> many;
  many.reserve(300);
  for (int i = 0; i < 300; ++i) {  // more than one notification holds
    many.push_back("device:" + std::string(40, 'x') + std::to_string(i));
  }
  {
    auto t = one->begin().value();
    put(*t, "a", State::kOrdered);
    t->announce(many);
    EXPECT_EQ(two->news().topics.size(), 0U) << "before the commit";
    ASSERT_TRUE(t->commit().has_value());
  }
  std::vector<std::string> heard;
  for (int i = 0; i < 100 && heard.size() < many.size(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::ranges::move(two->news().topics, std::back_inserter(heard));
  }
  EXPECT_EQ(std::set(heard.begin(), heard.end()), std::set(many.begin(), many.end()));
  EXPECT_EQ(one->news().topics.size(), 0U) << "its own";
}

TEST_F(OrderStorePostgresTest, ABatchCostsThreeRoundTripsHoweverLargeItIs) {
  const auto session = TestCluster::shared().session();
  bool open = false;
  std::vector<std::uint64_t> trips;
  for (const int size : {1, 64}) {
    const std::uint64_t before = session->round_trips();
    delivery::Expectation expectation;
    for (int i = 0; i < size; ++i) {
      expectation.changed.push_back(key("order-" + std::to_string(size) + "-" + std::to_string(i)));
      expectation.work.push_back(
          {DeviceId::from("d" + std::to_string(size) + "-" + std::to_string(i)).value(), 0});
    }
    PostgresOrderTransaction t(*session, open);
    ASSERT_TRUE(t.expect(expectation).has_value());
    for (int i = 0; i < size; ++i) {
      ASSERT_TRUE(t.mark().has_value());
      put(t, expectation.changed[static_cast<std::size_t>(i)].id.text(), State::kOrdered);
      ASSERT_TRUE(t.next_work(expectation.work[static_cast<std::size_t>(i)].device, 0).has_value());
    }
    t.announce({"topic"});
    ASSERT_TRUE(t.commit().has_value());
    trips.push_back(session->round_trips() - before);
  }
  EXPECT_EQ(trips, (std::vector<std::uint64_t>{2, 2}));
  // Work that is handed out takes one more.
  const std::uint64_t before = session->round_trips();
  PostgresOrderTransaction t(*session, open);
  ASSERT_TRUE(t.expect({.work = {{phone(), 0}}}).has_value());
  const AttemptRow row = t.next_work(phone(), 0).value().value();
  ASSERT_TRUE(t.update_attempt(row).has_value());
  ASSERT_TRUE(t.commit().has_value());
  EXPECT_EQ(session->round_trips() - before, 3U);
}

// I2: what was acknowledged is never lost
TEST_F(OrderStorePostgresTest, AServerThatIsKilledLosesNothingThatWasCommitted) {
  TestCluster cluster{{}};
  const auto store = open(cluster);
  std::set<std::string> committed;
  int number = 0;
  for (int round = 0; round < 2; ++round) {
    std::atomic<bool> killed = false;
    std::atomic<int> done_so_far = 0;
    std::thread power([&] {
      while (done_so_far < 30) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      cluster.tell("kill");
      killed = true;
    });
    int failures = 0;
    while (!killed || failures == 0) {
      const std::string id = "order-" + std::to_string(number++);
      auto t = store->begin();
      if (t) {
        static_cast<void>((*t)->insert_order(an_order(id)));
      }
      const Result<void> done = t ? (*t)->commit() : std::unexpected(t.error());
      if (done) {
        committed.insert(id);
        ++done_so_far;
        continue;
      }
      EXPECT_TRUE(done.error().code == Errc::kInterrupted || done.error().code == Errc::kStore)
          << done.error().detail.text();
      ++failures;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    power.join();
    cluster.tell("start");
    // It comes back by itself, and says that it may have missed news.
    for (int i = 0; i < 200 && !store->begin(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    EXPECT_TRUE(store->news().missed);
    auto t = store->begin().value();
    std::vector<OrderKey> keys;
    keys.reserve(committed.size());
    for (const std::string& id : committed) {
      keys.push_back(key(id));
    }
    ASSERT_TRUE(t->expect({.read = keys}).has_value());
    for (const std::string& id : committed) {
      EXPECT_TRUE(t->find_order(key(id)).value().has_value()) << id << " was lost";
    }
  }
  EXPECT_GE(committed.size(), 60U);
}

TEST_F(OrderStorePostgresTest, AStoppedServerIsSaidAtOnceAndNotWaitedFor) {
  TestCluster cluster{{}};
  const auto store = open(cluster);
  cluster.tell("stop");
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 50; ++i) {
    const auto done = [&]() -> Result<void> {
      const auto t = KB_TRY(store->begin());
      KB_TRY(t->find_order(key("a")));
      return {};
    }();
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().code, Errc::kInterrupted);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
}

TEST_F(OrderStorePostgresTest, AFullDiskChangesNothingAndSaysSo) {
  // What a full disk says, said by a trigger: sqlstate 53100.
  ASSERT_TRUE(TestCluster::shared()
                  .session()
                  ->script("CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                           "RAISE EXCEPTION USING ERRCODE = '53100'; END $$;"
                           "CREATE TRIGGER full_disk BEFORE INSERT ON receipts "
                           "EXECUTE FUNCTION full()")
                  .has_value());
  {
    auto t = one->begin().value();
    put(*t, "a", State::kReported);
    ASSERT_TRUE(t->insert_receipt(key("a"), 1, 1, Bytes{0xE3}).has_value());
    EXPECT_EQ(t->commit().error().code, Errc::kNoSpace);
    EXPECT_EQ(t->commit().error().code, Errc::kStore);
  }
  auto t = one->begin().value();
  EXPECT_EQ(t->find_order(key("a")).value(), std::nullopt);
}

TEST_F(OrderStorePostgresTest, FourThatOpenAnEmptyDatabaseTogetherMakeOneSchema) {
  one.reset();
  two.reset();
  TestCluster::shared().empty_database();
  std::vector<std::jthread> openers;
  openers.reserve(4);
  std::atomic<int> opened = 0;
  for (int i = 0; i < 4; ++i) {
    openers.emplace_back([&] {
      const auto store = open_order_store_postgres({.address = TestCluster::shared().address()});
      opened += store ? 1 : 0;
    });
  }
  openers.clear();
  EXPECT_EQ(opened, 4);
}

TEST_F(OrderStorePostgresTest, DatabasesThatAreNotOursOrAreNewerAreRefused) {
  one.reset();
  two.reset();
  const auto opened = [] {
    return open_order_store_postgres({.address = TestCluster::shared().address()});
  };
  const auto session = TestCluster::shared().session();
  ASSERT_TRUE(session->script("UPDATE kagibin.schema_version SET version = 99").has_value());
  EXPECT_EQ(opened().error().code, Errc::kNotSupported);
  TestCluster::shared().empty_database();
  ASSERT_TRUE(
      session->script("CREATE SCHEMA kagibin; CREATE TABLE kagibin.theirs (a int)").has_value());
  EXPECT_EQ(opened().error().code, Errc::kConflict);
  TestCluster::shared().empty_database();
  EXPECT_TRUE(opened().has_value());
}

// Gives what waits its places, if nobody else does at this moment.
Result<std::size_t> place_some(OrderStore& store, std::uint32_t limit) {
  const auto t = KB_TRY(store.begin());
  auto head = KB_TRY(t->audit().take_head());
  if (!head) {
    return 0U;
  }
  const std::vector<Bytes> entries = KB_TRY(t->audit().without_place(limit));
  head->size += entries.size();
  KB_TRY(t->audit().extend(*head, {}));
  KB_TRY(t->commit());
  return entries.size();
}

TEST_F(OrderStorePostgresTest, WhatSeveralDistributorsChangeIsCountedOnce) {
  constexpr std::uint64_t kWriters = 4;
  constexpr std::uint64_t kEach = 25;
  std::vector<std::jthread> writers;
  writers.reserve(kWriters);
  for (std::uint64_t writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([writer] {
      const auto store = open();
      for (std::uint64_t i = 0; i < kEach; ++i) {
        OrderRow row = an_order("w" + std::to_string(writer) + "-" + std::to_string(i));
        for (const State state : {State::kOrdered, State::kSealed}) {
          Result<void> done = fail(Errc::kInterrupted, "not tried yet");
          while (!done && done.error().code == Errc::kInterrupted) {
            const auto t = store->begin().value();
            row.state = state;
            done = state == State::kOrdered ? t->insert_order(row) : t->update_order(row);
            done = done ? t->commit() : done;
          }
          EXPECT_TRUE(done.has_value());
        }
      }
    });
  }
  writers.clear();
  EXPECT_EQ(one->begin().value()->order_counts(kProvider).value(),
            (std::vector<delivery::OrderCount>{{kProvider, State::kSealed, kWriters * kEach}}));
}

TEST_F(OrderStorePostgresTest, OneDistributorAtATimeGivesPlaces) {
  auto first = one->begin().value();
  ASSERT_TRUE(first->audit().take_head().value().has_value());
  EXPECT_EQ(place_some(*two, 10).value(), 0U);
  first.reset();
  EXPECT_EQ(place_some(*two, 10).value(), 1U);
  {
    auto t = one->begin().value();
    auto head = t->audit().take_head().value().value();
    head.size += 2;
    EXPECT_EQ(t->audit().extend(head, {}).error().code, Errc::kState)
        << "the log does not grow by what was not read";
  }
}

// Any number of distributors, one log: no entry is lost or doubled, and each order's stay in order.
TEST_F(OrderStorePostgresTest, EntriesOfManyWritersGetOnePlaceEachInTheOrderOfTheirOrders) {
  constexpr int kWriters = 3;
  constexpr int kEach = 60;
  put_committed("x", State::kSealed);
  put_committed("y", State::kSealed);
  std::vector<std::thread> threads;
  std::atomic<int> writing = kWriters;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      const auto store = open();
      for (int i = 0; i < kEach;) {
        auto t = store->begin().value();
        const char* id = (i + writer) % 2 == 0 ? "x" : "y";
        AttemptRow row = t->find_attempt(key(id), 1).value().value();
        ++row.receipts;  // counts this order's changes, under its lock
        const std::string entry = id + std::to_string(row.receipts);
        if (t->update_attempt(row).has_value() &&
            t->audit().append(Bytes(entry.begin(), entry.end())).has_value() &&
            t->commit().has_value()) {
          ++i;
        }
      }
      --writing;
    });
  }
  for (int placer = 0; placer < 2; ++placer) {
    threads.emplace_back([&] {
      const auto store = open();
      while (writing > 0) {
        static_cast<void>(place_some(*store, 7));
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  while (place_some(*one, 100).value() > 0) {
  }
  const auto snapshot = two->snapshot().value();
  const auto entries = snapshot->audit_entries(0, 1'000).value();
  ASSERT_EQ(entries.size(), 1U + (kWriters * kEach));
  EXPECT_EQ(snapshot->audit_head()->size, entries.size());
  std::map<char, int> last;
  for (const Bytes& entry : std::span(entries).subspan(1)) {
    const std::string text(entry.begin(), entry.end());
    EXPECT_EQ(std::stoi(text.substr(1)), ++last[text[0]]) << text;
  }
  EXPECT_EQ(last['x'] + last['y'], kWriters * kEach);
}

TEST_F(OrderStorePostgresTest, AStoreOfVersion1GetsALogThatBeginsWithWhatWasThere) {
  one.reset();
  two.reset();
  TestCluster::shared().empty_database();
  const PostgresOptions reading{.address = TestCluster::shared().address(), .read_only = true};
  EXPECT_EQ(open_order_store_postgres(reading).error().code, Errc::kNotSupported) << "no store";
  const auto session = TestCluster::shared().session();
  ASSERT_TRUE(
      session
          ->script(
              "CREATE SCHEMA kagibin; CREATE TABLE kagibin.schema_version (version bigint NOT "
              "NULL, only_row boolean NOT NULL DEFAULT true PRIMARY KEY CHECK (only_row)); "
              "INSERT INTO kagibin.schema_version VALUES (1);" +
              std::string(kPostgresMigrations[0]) +
              "INSERT INTO orders VALUES ('\\x01000000000000000000000000000000', 'a', 'phone', "
              "900, 'ordered', 0, 5)")
          .has_value());
  const auto refused = open_order_store_postgres(reading);
  ASSERT_FALSE(refused.has_value()) << "reading migrates nothing";
  EXPECT_EQ(refused.error().code, Errc::kNotSupported);
  one = open();
  EXPECT_EQ(open_order_store_postgres(reading).value()->begin().error().code, Errc::kState);
  EXPECT_TRUE(open_order_store_postgres(reading).value()->snapshot().has_value());
  auto t = one->begin().value();
  EXPECT_TRUE(t->find_order(key("a")).value().has_value());
  const auto entries = t->audit().without_place(10).value();
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_TRUE(std::string(entries[0].begin(), entries[0].end()).ends_with(" begin 1 0"));
}

TEST_F(OrderStorePostgresTest, AUserWithoutRightsUsesTheStoreButDoesNotMakeIt) {
  const auto session = TestCluster::shared().session();
  static_cast<void>(session->script("DROP ROLE IF EXISTS worker"));
  ASSERT_TRUE(session
                  ->script("CREATE ROLE worker LOGIN; GRANT USAGE ON SCHEMA kagibin TO worker;"
                           "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA kagibin TO worker;"
                           "GRANT USAGE ON ALL SEQUENCES IN SCHEMA kagibin TO worker")
                  .has_value());
  std::string address = TestCluster::shared().address();
  address.replace(address.find("user=kagibin"), 12, "user=worker");
  {
    const auto store = open_order_store_postgres({.address = address}).value();
    auto t = store->begin().value();
    put(*t, "a", State::kOrdered);
    EXPECT_TRUE(t->commit().has_value());
  }
  one.reset();
  two.reset();
  TestCluster::shared().empty_database();
  const auto refused = open_order_store_postgres({.address = address});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kStore);
  EXPECT_NE(refused.error().detail.text().find("may not"), std::string_view::npos);
  ASSERT_TRUE(session->script("DROP OWNED BY worker; DROP ROLE worker").has_value());
}

// I2: success leaves after the commit is on the disk
TEST(PostgresServerTest, AServerThatWouldLoseCommitsIsRefused) {
  const TestCluster cluster{{"fsync=off"}};
  const auto store = open_order_store_postgres({.address = cluster.address()});
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().code, Errc::kStore);
  EXPECT_NE(store.error().detail.text().find("fsync"), std::string_view::npos);
}

TEST(PostgresServerTest, AServerThatCommitsBeforeItWritesIsMadeToWriteFirst) {
  const TestCluster cluster{{"synchronous_commit=off"}};
  const auto session = cluster.session();
  session->add("SELECT current_setting('synchronous_commit')");
  EXPECT_EQ(session->run().value()[0].at(0).text(0), "on");
}

TEST(PostgresServerTest, AddressesWithPasswordsAndOthersThatCannotBeReadAreRefused) {
  for (const char* address : {"postgresql://kagibin:secret@db/kagibin", "password=secret dbname=a",
                              "postgresql://db/kagibin?sslpassword=secret"}) {
    const auto refused = open_order_store_postgres({.address = address});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::kInvalidArgument);
    EXPECT_NE(refused.error().detail.text().find("password"), std::string_view::npos);
  }
  EXPECT_EQ(
      open_order_store_postgres({.address = "postgresql://db/kagibin?nonsense=1"}).error().code,
      Errc::kInvalidArgument);
  EXPECT_EQ(
      open_order_store_postgres({.address = "postgresql:///kagibin?host=/nowhere"}).error().code,
      Errc::kInterrupted);
}

}  // namespace
}  // namespace kagibin::store
