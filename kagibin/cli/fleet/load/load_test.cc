// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "kagibin/cli/fleet/load/arrivals.h"
#include "kagibin/cli/fleet/load/cpu_meter.h"
#include "kagibin/cli/fleet/load/database_cpu.h"
#include "kagibin/cli/fleet/load/faulty_http.h"
#include "kagibin/cli/fleet/load/order_board.h"
#include "kagibin/cli/fleet/load/visit_queue.h"
#include "kagibin/store/postgres/test_cluster.h"

namespace kagibin::cli::fleet {
namespace {

TEST(ArrivalsTest, OnlyPatternsThatAreOnesAreRead) {
  for (const char* good : {"burst", "rate:0.5", "poisson:200", "in-flight:64"}) {
    EXPECT_TRUE(ArrivalPattern::parse(good).has_value()) << good;
  }
  for (const char* bad :
       {"", "rate", "rate:", "rate:0", "rate:-1", "rate:nan", "rate:inf", "rate:1x",
        "poisson:", "in-flight:0", "in-flight:1.5", "waves:3", "burst:1"}) {
    const auto read = ArrivalPattern::parse(bad);
    ASSERT_FALSE(read.has_value()) << bad;
    EXPECT_NE(read.error().text.find("burst, rate:R and poisson:R"), std::string::npos);
  }
}

TEST(ArrivalsTest, RatesAreKeptAndTheSameSeedComesAgain) {
  Arrivals even(ArrivalPattern::parse("rate:4").value(), 1);
  EXPECT_DOUBLE_EQ(even.next(), 0.25);
  EXPECT_DOUBLE_EQ(even.next(), 0.5);
  Arrivals one(ArrivalPattern::parse("poisson:100").value(), 9);
  Arrivals same(ArrivalPattern::parse("poisson:100").value(), 9);
  double last = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double next = one.next();
    EXPECT_GE(next, last);
    EXPECT_EQ(next, same.next());
    last = next;
  }
  EXPECT_NEAR(last, 100, 5);  // five standard deviations
}

TEST(FailureMixTest, NamesAndProbabilitiesAreReadOrRefused) {
  const auto mix = FailureMix::parse("lost-answer=0.25,power-cut=1").value();
  EXPECT_EQ(mix.of(Failure::kLostAnswer), 0.25);
  EXPECT_EQ(mix.of(Failure::kPowerCut), 1);
  EXPECT_EQ(mix.of(Failure::kTwice), 0);
  EXPECT_TRUE(FailureMix::parse("").has_value());
  for (const char* bad : {"lost-answer", "lost-answer=", "lost-answer=2", "lost-answer=-0.1",
                          "lost-answer=nan", "lost-answer=0.1x", "fire=0.1", "=0.1"}) {
    EXPECT_FALSE(FailureMix::parse(bad).has_value()) << bad;
  }
}

TEST(CpuMeterTest, AnInnerPlayersTimeIsNotTheOuters) {
  CpuMeter meter;
  const auto work = [](std::int64_t nanoseconds) {
    for (const std::int64_t end = thread_cpu_nanoseconds() + nanoseconds;
         thread_cpu_nanoseconds() < end;) {
    }
  };
  {
    const CpuScope outer(meter, Player::kDevice);
    work(2'000'000);
    {
      const CpuScope inner(meter, Player::kElement);
      work(5'000'000);
    }
    work(1'000'000);
  }
  const CpuTimes times = meter.times();
  EXPECT_GE(times.at(static_cast<std::size_t>(Player::kElement)), 5'000'000);
  EXPECT_GE(times.at(static_cast<std::size_t>(Player::kDevice)), 3'000'000);
  EXPECT_LT(times.at(static_cast<std::size_t>(Player::kDevice)), 5'000'000);
}

class CountingServer final : public delivery::HttpClient {
 public:
  Result<delivery::HttpResponse> send(const delivery::HttpRequest& /*request*/) override {
    ++requests;
    return delivery::HttpResponse{};
  }
  int requests = 0;
};

TEST(FaultyHttpTest, WhatIsLostIsLostAndWhatIsCountedHappened) {
  struct Case {
    Failure failure;
    int arrives;
    bool answered;
  };
  for (const Case& one : {Case{Failure::kLostRequest, 0, false},
                          Case{Failure::kLostAnswer, 1, false}, Case{Failure::kTwice, 2, true}}) {
    NetworkConditions conditions;
    conditions.mix.probability.at(static_cast<std::size_t>(one.failure)) = 1;
    CountingServer server;
    FaultyHttp http(conditions, Dice(1));
    http.use(server);
    const auto answer = http.send({});
    EXPECT_EQ(answer.has_value(), one.answered) << name(one.failure);
    EXPECT_EQ(server.requests, one.arrives) << name(one.failure);
    EXPECT_EQ(conditions.failures.of(one.failure), 1U);
    EXPECT_EQ(conditions.requests, 1U);
  }
}

TEST(OrderBoardTest, AnEndIsCountedOnceAndStays) {
  OrderBoard board(3, 2);
  board.opened(0, 1);
  board.opened(0, 1);
  board.opened(2, 1);  // not of the load
  EXPECT_EQ(board.count().opened, 1U);
  board.moved(0, delivery::State::kUnknown, 1, 2);
  EXPECT_EQ(board.count().ended, 0U);
  board.moved(0, delivery::State::kConfirmed, 2, 3);
  board.moved(0, delivery::State::kConfirmed, 2, 4);
  board.moved(0, delivery::State::kUnknown, 3, 5);
  board.verdict_taken(0, 6);
  EXPECT_EQ(board.count().ended, 1U);
  EXPECT_EQ(board.count().confirmed, 1U);
  EXPECT_EQ(board.of(0).state, delivery::State::kConfirmed);
  EXPECT_EQ(board.latencies(), std::vector<double>{5});
  EXPECT_EQ(board.all().size(), 2U);
}

TEST(OrderBoardTest, QuantilesAreOfTheValuesThatAreThere) {
  EXPECT_EQ(quantile({}, 0.5), 0);
  EXPECT_EQ(quantile({1, 2, 3, 4}, 0.5), 2);
  EXPECT_EQ(quantile({1, 2, 3, 4}, 0.99), 4);
  EXPECT_EQ(quantile({1, 2, 3, 4}, 0), 1);
}

TEST(VisitQueueTest, ADeviceNeverVisitsTwiceAtATimeAndComesAgainWhenCalledMeanwhile) {
  VisitQueue queue(2);
  queue.call(1);
  queue.call(1);
  EXPECT_EQ(queue.next(), 1U);
  queue.call(1);
  queue.call(0);
  EXPECT_EQ(queue.next(), 0U);
  queue.done(1);
  EXPECT_EQ(queue.next(), 1U);
  queue.done(1);
  EXPECT_TRUE(queue.is_idle(1));
  EXPECT_FALSE(queue.is_idle(0));
  queue.stop();
  EXPECT_FALSE(queue.next().has_value());
}

// A session that ends takes nothing away, whatever it used.
TEST(DatabaseCpuTest, CountsSessionsThatAreOver) {
  const store::TestCluster& cluster = store::TestCluster::shared();
  const auto database = DatabaseCpu::of(cluster.address()).value();
  ASSERT_TRUE(database.has_value());
  const std::int64_t before = database->nanoseconds();
  auto session = cluster.session();
  ASSERT_TRUE(session->script("SELECT count(*) FROM generate_series(1, 3000000)").has_value());
  const std::int64_t with_session = database->nanoseconds();
  const std::int64_t used = with_session - before;
  ASSERT_GT(used, 50'000'000);
  session.reset();
  std::int64_t least = with_session;
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    least = std::min(least, database->nanoseconds());
  }
  EXPECT_GT(least - before, used / 2);
}

}  // namespace
}  // namespace kagibin::cli::fleet
