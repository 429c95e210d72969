// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/distributor/service_watch.h"

#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace kagibin::cli {
namespace {

using boost::json::object;
using std::chrono::milliseconds;

struct ServiceWatchTest : testing::Test {
  // The events that `act` is logged as.
  template <typename Act>
  std::vector<object> logged(const Act& act) {
    testing::internal::CaptureStderr();
    act();
    std::istringstream text(testing::internal::GetCapturedStderr());
    std::vector<object> events;
    for (std::string line; std::getline(text, line);) {
      events.push_back(boost::json::parse(line).as_object());
    }
    return events;
  }
  void commit(bool changes, milliseconds time) {
    watch.committing();
    std::this_thread::sleep_for(time);
    watch.committed(64, changes);
  }
  static std::string text(const object& event, const char* field) {
    return std::string(event.at(field).as_string());
  }

  // Captures go to what standard error is when a line is written.
  EventLog log{{.json = true, .level = EventLog::Level::kDebug}};
  ServiceManager manager{{}};
  SystemClock clock;
  ServiceMetrics metrics{clock};
  ServiceWatch watch{log,
                     metrics,
                     manager,
                     {.access = true, .slow_commit = milliseconds(100), .log_advice = "look"}};
  ServiceWatch quiet{log, metrics, manager, {}};
  const std::optional<std::string> phone = "device:phone";
  const Error lost{Errc::kInterrupted, "the server cannot be reached"};
  const Error full{Errc::kNoSpace, "the disk is full"};
};

TEST_F(ServiceWatchTest, RefusedAnswersAreCountedAndToldOnceASecond) {
  const auto events = logged([&] {
    for (int i = 0; i < 500; ++i) {
      quiet.answered({.target = "/v1/orders", .subject = phone, .status = i % 5 == 0 ? 507 : 503});
      quiet.answered({.target = "/v1/orders", .subject = phone, .status = 404});
    }
    quiet.connection_refused();
    quiet.handshake(false);
    quiet.handshake(true);
    quiet.beat();
    quiet.beat();
  });
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(text(events[0], "event"), "refused");
  EXPECT_EQ(events[0].at("status").as_int64(), 503);
  EXPECT_EQ(events[0].at("count").as_int64(), 400);
  EXPECT_EQ(events[1].at("status").as_int64(), 507);
  EXPECT_EQ(events[1].at("count").as_int64(), 100);
  EXPECT_EQ(text(events[2], "event"), "connections_refused");
  EXPECT_EQ(text(events[3], "event"), "handshakes_failed");
  EXPECT_EQ(events[3].at("count").as_int64(), 1);
}

TEST_F(ServiceWatchTest, AStoreIsLostOnceAndFoundOnce) {
  const auto events = logged([&] {
    commit(true, milliseconds(0));
    for (int i = 0; i < 100; ++i) {
      watch.not_committed(1, lost);
      watch.ticked();
    }
    commit(false, milliseconds(0));
    commit(false, milliseconds(0));
  });
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(text(events[0], "event"), "store_lost");
  EXPECT_EQ(text(events[0], "level"), "error");
  EXPECT_EQ(text(events[0], "detail"), lost.detail.text());
  EXPECT_EQ(text(events[1], "event"), "store_found");
}

TEST_F(ServiceWatchTest, FailedAndSlowCommitsAreCounted) {
  const auto events = logged([&] {
    watch.not_committed(3, full);
    watch.not_committed(0, full);
    commit(true, milliseconds(250));
    commit(true, milliseconds(150));
    commit(true, milliseconds(0));
    commit(false, milliseconds(200));  // nothing was written
    watch.ticked();
    watch.ticked();
  });
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(text(events[0], "event"), "commits_failed");
  EXPECT_EQ(events[0].at("count").as_int64(), 4);
  EXPECT_EQ(text(events[0], "detail"), full.detail.text());
  EXPECT_EQ(text(events[1], "event"), "slow_commits");
  EXPECT_EQ(events[1].at("count").as_int64(), 2);
  EXPECT_GE(events[1].at("slowestMilliseconds").as_int64(), 250);
}

TEST_F(ServiceWatchTest, AnAuditLogThatStandsStillIsToldOnceACause) {
  const Error changed{Errc::kAuthentication, "the log was changed"};
  const auto events = logged([&] {
    for (const Error* why : {&full, &full, &changed, static_cast<const Error*>(nullptr)}) {
      watch.log_stands(why);
    }
    watch.log_stands(nullptr);
  });
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(text(events[0], "event"), "audit_log_stands");
  EXPECT_FALSE(events[0].contains("advice"));
  EXPECT_EQ(text(events[1], "advice"), "look");
  EXPECT_EQ(text(events[2], "event"), "audit_log_goes_on");
}

// I5: names are bounded, bodies and tokens are not there to be written.
TEST_F(ServiceWatchTest, AnAnswerIsLoggedByTheKindOfWhoAskedAndTheRoute) {
  const std::optional<std::string> token = "invitation:" + std::string(32, 'A');
  const std::optional<std::string> strange = "root:\"\n";
  const auto get = [&](std::string_view target, const std::optional<std::string>& who) {
    watch.answered({.method = delivery::HttpMethod::kGet,
                    .target = target,
                    .subject = who,
                    .status = 200,
                    .took = std::chrono::microseconds(1'500)});
  };
  const auto events = logged([&] {
    get("/v1/orders/order-1", phone);
    get("/v1/orders/%0A", token);
    get("/v1/orders/order-1/", strange);
    get("/healthz?order-1", std::nullopt);
  });
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(text(events[0], "subject"), "device");
  EXPECT_EQ(text(events[0], "route"), "status");
  EXPECT_EQ(text(events[0], "order"), "order-1") << "at debug";
  EXPECT_EQ(events[0].at("microseconds").as_int64(), 1'500);
  EXPECT_EQ(text(events[1], "subject"), "invitation");
  EXPECT_EQ(text(events[2], "subject"), "unknown");
  EXPECT_EQ(text(events[2], "route"), "none");
  EXPECT_EQ(text(events[3], "subject"), "nobody");
  for (std::size_t i = 1; i < events.size(); ++i) {
    EXPECT_FALSE(events[i].contains("order"));
    EXPECT_EQ(boost::json::serialize(events[i]).find(std::string(32, 'A')), std::string::npos);
  }
}

}  // namespace
}  // namespace kagibin::cli
