// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/distributor/service_metrics.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace kagibin::cli {
namespace {

using delivery::State;
constexpr std::int64_t kNow = 1'800'000'000;

struct ServiceMetricsTest : testing::Test {
  // Every line that begins so.
  static std::vector<std::string> lines(const std::string& page, const std::string& begin) {
    std::istringstream in(page);
    std::vector<std::string> found;
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with(begin)) {
        found.push_back(line);
      }
    }
    std::ranges::sort(found);
    return found;
  }
  void get(std::string_view target, const std::optional<std::string>& who, int status) {
    metrics.answered({.method = delivery::HttpMethod::kGet,
                      .target = target,
                      .subject = who,
                      .status = status,
                      .took = std::chrono::milliseconds(3)});
  }

  test::FakeClock clock{kNow};
  ServiceMetrics metrics{clock};
};

TEST_F(ServiceMetricsTest, OrdersAreCountedByStateAndTheOldestHasAnAge) {
  delivery::StoreFigures figures;
  figures.in(State::kSealed) = 7;
  figures.in(State::kConfirmed) = 12'000'000;
  figures.oldest = {{State::kSealed, kNow - 90}, {State::kReported, kNow + 5}};
  figures.entries = 99;
  figures.without_place = 3;
  const std::string page = metrics.text(&figures);
  EXPECT_EQ(lines(page, "kagibin_orders{").size(), delivery::kStateCount);
  EXPECT_EQ(lines(page, "kagibin_orders{state=\"sealed\"}")[0],
            "kagibin_orders{state=\"sealed\"} 7");
  EXPECT_EQ(lines(page, "kagibin_orders{state=\"confirmed\"}")[0],
            "kagibin_orders{state=\"confirmed\"} 12000000");
  EXPECT_EQ(lines(page, "kagibin_oldest_order_seconds"),
            (std::vector<std::string>{"kagibin_oldest_order_seconds{state=\"enrolled\"} 0",
                                      "kagibin_oldest_order_seconds{state=\"handed_over\"} 0",
                                      "kagibin_oldest_order_seconds{state=\"ordered\"} 0",
                                      "kagibin_oldest_order_seconds{state=\"reported\"} 0",
                                      "kagibin_oldest_order_seconds{state=\"sealed\"} 90",
                                      "kagibin_oldest_order_seconds{state=\"unknown\"} 0"}))
      << "a clock that went back makes nobody older than nothing";
  EXPECT_EQ(lines(page, "kagibin_audit_log_entries ")[0], "kagibin_audit_log_entries 99");
  EXPECT_EQ(lines(page, "kagibin_audit_entries_without_place ")[0],
            "kagibin_audit_entries_without_place 3");
  EXPECT_EQ(lines(page, "kagibin_store_up ")[0], "kagibin_store_up 1");
  figures = {};
  EXPECT_EQ(lines(metrics.text(&figures), "kagibin_oldest_order_seconds{state=\"sealed\"}")[0],
            "kagibin_oldest_order_seconds{state=\"sealed\"} 0");
}

TEST_F(ServiceMetricsTest, OfAStoreThatDoesNotAnswerNothingIsSaid) {
  delivery::StoreFigures figures;
  static_cast<void>(metrics.text(&figures));
  const std::string page = metrics.text(nullptr);
  EXPECT_EQ(lines(page, "kagibin_store_up ")[0], "kagibin_store_up 0");
  EXPECT_TRUE(lines(page, "kagibin_orders").empty());
  EXPECT_TRUE(lines(page, "kagibin_oldest").empty());
  EXPECT_FALSE(lines(page, "process_cpu_seconds_total ").empty());
}

TEST_F(ServiceMetricsTest, WhateverIsAskedTheSeriesAreFew) {
  for (int i = 0; i < 2'000; ++i) {
    const std::string name = std::to_string(i);
    get("/v1/orders/order-" + name, "provider:" + std::string(28, 'A') + std::to_string(1'000 + i),
        i % 2 == 0 ? 200 : 404);
    get("/" + name + "\"} 1\n", "device:phone-" + name, 404);
    get("/v1/devices/self/work", "device:phone-" + name, 204);
    get("/healthz", "nobody:\"", 200);
  }
  const std::string page = metrics.text(nullptr);
  EXPECT_EQ(
      lines(page, "kagibin_requests_total"),
      (std::vector<std::string>{R"(kagibin_requests_total{route="health",status="200"} 2000)",
                                R"(kagibin_requests_total{route="none",status="404"} 2000)",
                                R"(kagibin_requests_total{route="status",status="200"} 1000)",
                                R"(kagibin_requests_total{route="status",status="404"} 1000)",
                                R"(kagibin_requests_total{route="work",status="204"} 2000)"}));
  EXPECT_EQ(page.find("order-1"), std::string::npos);
  EXPECT_EQ(page.find("phone"), std::string::npos);
  EXPECT_LT(lines(page, "").size(), 400U);
}

TEST_F(ServiceMetricsTest, MembersAreSeenByKindAndWindow) {
  const auto seen = [&](const char* party, const char* within) {
    const std::string name =
        std::string("kagibin_members_seen{party=\"") + party + "\",within=\"" + within + "\"} ";
    const std::string line = lines(metrics.text(nullptr), name).at(0);
    return std::stoi(line.substr(name.size()));
  };
  get("/v1/devices/self/work", "device:old", 204);
  clock.advance_seconds(7'200);
  get("/v1/devices/self/work", "device:late", 204);
  clock.advance_seconds(600);
  for (int i = 0; i < 5; ++i) {
    get("/v1/devices/self/work", "device:phone", 204);
    get("/v1/orders", "provider:" + std::string(32, 'A') + ";audit", 200);
    get("/v1/orders", "provider:" + std::string(32, 'A'), 200);
    get("/metrics", "operator:ops", 200);
  }
  EXPECT_EQ(seen("device", "1m"), 1);
  EXPECT_EQ(seen("device", "1h"), 2);
  EXPECT_EQ(seen("device", "1d"), 3);
  EXPECT_EQ(seen("provider", "1m"), 1) << "a provider, whatever its certificate may do";
  EXPECT_EQ(
      lines(metrics.text(nullptr), "kagibin_member_last_seen_timestamp_seconds{party=\"dev")[0],
      "kagibin_member_last_seen_timestamp_seconds{party=\"device\"} 1800007800");
  clock.advance_seconds(90'000);
  metrics.ticked();
  EXPECT_EQ(seen("device", "1d"), 0);
}

TEST_F(ServiceMetricsTest, WhatHappensIsCounted) {
  metrics.connections(3);
  metrics.connection_refused();
  metrics.handshake(true);
  metrics.handshake(false);
  metrics.handshake(false);
  metrics.waiting(12'000);
  metrics.queued(5);
  metrics.committing();
  metrics.committed(40, true);
  metrics.committing();
  metrics.committed(1, false);
  metrics.not_committed(1, {Errc::kNoSpace, "full"});
  metrics.expired(4);
  metrics.log_extended(17);
  const Error stands{Errc::kAuthentication, "changed"};
  metrics.log_stands(&stands);
  metrics.draining();
  metrics.certificate("server", kNow + 86'400);
  const std::string page = metrics.text(nullptr);
  for (const char* line :
       {"kagibin_connections 3", "kagibin_connections_refused_total 1",
        R"(kagibin_handshakes_total{result="ok"} 1)",
        R"(kagibin_handshakes_total{result="failed"} 2)", "kagibin_waiting_requests 12000",
        "kagibin_queued_requests 5", "kagibin_commit_seconds_count 1",
        "kagibin_batch_requests_count 2", "kagibin_batch_requests_sum 41",
        R"(kagibin_batch_requests_bucket{le="1"} 1)", R"(kagibin_batch_requests_bucket{le="64"} 2)",
        R"(kagibin_commits_failed_total{code="no_space"} 1)", "kagibin_expired_total 4",
        "kagibin_audit_entries_placed_total 17", "kagibin_audit_log_stands 1",
        "kagibin_audit_log_signed_timestamp_seconds 1800000000", "kagibin_draining 1",
        R"(kagibin_certificate_expires_timestamp_seconds{certificate="server"} 1800086400)",
        "process_start_time_seconds 1800000000"}) {
    EXPECT_NE(("\n" + page).find("\n" + std::string(line) + "\n"), std::string::npos) << line;
  }
  metrics.log_stands(nullptr);
  EXPECT_EQ(lines(metrics.text(nullptr), "kagibin_audit_log_stands ")[0],
            "kagibin_audit_log_stands 0");
}

TEST_F(ServiceMetricsTest, ARequestThatWasHeldBackIsNoMeasureOfWork) {
  const std::optional<std::string> phone = "device:phone";
  metrics.answered({.method = delivery::HttpMethod::kGet,
                    .target = "/v1/devices/self/work",
                    .subject = phone,
                    .status = 204,
                    .took = std::chrono::seconds(60),
                    .waited = true});
  EXPECT_TRUE(lines(metrics.text(nullptr), "kagibin_request_seconds_count").empty());
  get("/v1/devices/self/work", phone, 204);
  EXPECT_EQ(lines(metrics.text(nullptr), "kagibin_request_seconds_count"),
            std::vector<std::string>{R"(kagibin_request_seconds_count{route="work"} 1)"});
}

}  // namespace
}  // namespace kagibin::cli
