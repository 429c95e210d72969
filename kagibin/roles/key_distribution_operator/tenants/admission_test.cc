// SPDX-License-Identifier: Apache-2.0
// A tenant's limits: what is over them is refused with what to do, changes nothing and costs nobody
// else; several distributors with clocks apart give no order twice.
#include "kagibin/roles/key_distribution_operator/tenants/admission.h"

#include <algorithm>
#include <thread>

#include "kagibin/delivery/problem.h"
#include "kagibin/roles/key_distribution_operator/test_distributor.h"
#include "kagibin/store/postgres/order_store_postgres.h"
#include "kagibin/store/postgres/test_cluster.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

using delivery::TenantLimits;
using delivery::TenantRate;

void give(delivery::OrderStore& store,
          const Spid& tenant,
          const TenantLimits& limits,
          std::int64_t now) {
  const auto t = store.begin().value();
  ASSERT_TRUE(t->tenants().put_limits(tenant, limits, now).has_value());
  ASSERT_TRUE(t->commit().has_value());
}

struct AdmissionTest : DistributorTest {
  void limit(const TenantLimits& limits) { give(*store, kSpid, limits, clock.now()); }
  static std::string an_order() {
    return to_json(delivery::OrderRequest{device("phone"), kNow + 600});
  }
  HttpResponse put(const std::string& name) {
    return send(HttpMethod::kPut, "/v1/orders/" + name, provider_http.subject, an_order());
  }
  std::size_t entries() {
    const auto t = store->begin().value();
    return t->audit().without_place(1'000)->size();
  }
};

constexpr TenantLimits kTwoAtOnce{.max_open = {}, .rate = TenantRate{.per_minute = 60, .burst = 2}};

TEST_F(AdmissionTest, WhatIsFasterThanTheRateIsToldWhenToComeAgain) {
  limit(kTwoAtOnce);
  EXPECT_EQ(put("a").status, 201);
  EXPECT_EQ(put("b").status, 201);
  const std::size_t before = entries();
  const HttpResponse refused = put("c");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.content_type, "application/problem+json");
  EXPECT_EQ(refused.retry_after_seconds, 1U);
  const auto problem = delivery::problem_from_json(refused.body).value();
  EXPECT_EQ(problem.type, "urn:kagibin:problem:quota");
  EXPECT_NE(problem.detail.find("Retry-After"), std::string::npos);
  EXPECT_EQ(delivery::error_of(refused).code, Errc::kInterrupted) << "a client comes again";
  EXPECT_EQ(entries(), before) << "nothing happened";
  EXPECT_EQ(a().order(id("c")).error().code, Errc::kNotFound);
  EXPECT_EQ(put("a").status, 200) << "what stands costs nothing";
  clock.advance_seconds(1);
  EXPECT_EQ(put("c").status, 201);
  EXPECT_EQ(put("d").status, 429);
}

TEST_F(AdmissionTest, ARefusedRequestSpendsNothing) {
  limit(kTwoAtOnce);
  EXPECT_EQ(put("a").status, 201);
  const std::string past = to_json(delivery::OrderRequest{device("phone"), kNow - 1});
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(send(HttpMethod::kPut, "/v1/orders/late", provider_http.subject, past).status, 410);
    EXPECT_EQ(send(HttpMethod::kPut, "/v1/orders/a", provider_http.subject, past).status, 409);
    const delivery::Submission broken{
        {{id("x"), {device("phone"), kNow + 600}, request(Bytes{0xE0, 0x00})}}};
    EXPECT_GE(a().submit(broken)->results.at(0).status, 400);
  }
  EXPECT_EQ(put("b").status, 201) << "the second of the burst";
}

TEST_F(AdmissionTest, OneTenantsOrdersCostNoOther) {
  limit({.max_open = 1, .rate = TenantRate{.per_minute = 1, .burst = 1}});
  EXPECT_EQ(put("a").status, 201);
  EXPECT_EQ(put("b").status, 429);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(other.put_order(id("b" + std::to_string(i)), {device("phone"), kNow + 600}));
  }
  give(*store, kOtherSpid, {.max_open = 21}, clock.now());
  EXPECT_TRUE(other.put_order(id("last"), {device("phone"), kNow + 600}).has_value());
  EXPECT_FALSE(other.put_order(id("more"), {device("phone"), kNow + 600}).has_value());
}

TEST_F(AdmissionTest, OpenOrdersAreCountedUntilTheyEnd) {
  limit({.max_open = 2});
  EXPECT_EQ(put("a").status, 201);
  hand_over(id("b"), 7);
  const HttpResponse refused = put("c");
  EXPECT_EQ(refused.status, 429);
  EXPECT_GT(refused.retry_after_seconds.value_or(0), 1U);
  EXPECT_NE(refused.body.find("withdraw"), std::string::npos) << refused.body;
  ASSERT_TRUE(a().put_attempt(id("a"), 1, request(a_request(kSpid, 1))).has_value());
  EXPECT_EQ(put("c").status, 429) << "an attempt is not an end";
  ASSERT_TRUE(a().withdraw(id("a"), 1, {"enough"}).has_value());
  EXPECT_EQ(put("c").status, 201);
  EXPECT_EQ(put("d").status, 429);
  clock.advance_seconds(601);
  distributor->tick();  // expires what is overdue
  EXPECT_EQ(send(HttpMethod::kPut, "/v1/orders/d", provider_http.subject,
                 to_json(delivery::OrderRequest{device("phone"), clock.now() + 600}))
                .status,
            201);
}

TEST_F(AdmissionTest, AnOrderThatIsOpenedAgainIsOneMore) {
  hand_over(id("a"), 7);
  const auto refused_once = [&](std::uint8_t handle) {
    ASSERT_TRUE(agent()
                    .put_receipt(ours(id("a")), 1, {a_receipt(handle, ActionResult::kUnknown)})
                    .has_value());
    ASSERT_TRUE(a().put_verdict(id("a"), 1, {Verdict::kRefused, "no", 1}).has_value());
  };
  refused_once(7);
  limit({.max_open = 1, .rate = TenantRate{.per_minute = 60, .burst = 2}});
  EXPECT_EQ(put("b").status, 201);
  const auto again = a().put_attempt(id("a"), 2, deliver(an_envelope(kSpid, 8)));
  EXPECT_EQ(again.error().code, Errc::kInterrupted) << "429";
  limit({.max_open = 2, .rate = TenantRate{.per_minute = 60, .burst = 2}});
  EXPECT_TRUE(a().put_attempt(id("a"), 2, deliver(an_envelope(kSpid, 8))).has_value());
  EXPECT_TRUE(a().put_attempt(id("a"), 2, deliver(an_envelope(kSpid, 8))).has_value())
      << "repeated";
  EXPECT_EQ(put("c").status, 429) << "the further attempt took the second of the burst";
  EXPECT_FALSE(a().put_attempt(id("a"), 3, deliver(an_envelope(kSpid, 9))).has_value());
}

TEST_F(AdmissionTest, ManyOrdersAreRefusedOneByOne) {
  limit(kTwoAtOnce);
  delivery::Submission four;
  for (const char* name : {"a", "b", "c", "d"}) {
    four.orders.push_back({id(name),
                           {device("phone"), kNow + 600},
                           request(a_request(kSpid, static_cast<std::uint8_t>(*name)))});
  }
  const auto statuses = [&](const HttpResponse& response) {
    std::vector<int> out;
    for (const auto& one : delivery::submission_results_from_json(response.body)->results) {
      out.push_back(one.status);
    }
    return out;
  };
  const auto post = [&] {
    return send(HttpMethod::kPost, "/v1/orders", provider_http.subject, to_json(four));
  };
  const HttpResponse first = post();
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(statuses(first), (std::vector{201, 201, 429, 429}));
  EXPECT_EQ(first.retry_after_seconds, 1U);
  clock.advance_seconds(1);
  EXPECT_EQ(statuses(post()), (std::vector{200, 200, 201, 429})) << "sent again whole";
  clock.advance_seconds(1);
  EXPECT_EQ(statuses(post()), (std::vector{200, 200, 200, 201}));
}

TEST_F(AdmissionTest, ATenantWithoutRoomOpensNothingAndEndsWhatItHas) {
  hand_over(id("a"), 7);
  limit({.max_open = 0});
  const HttpResponse refused = put("b");
  EXPECT_EQ(refused.status, 429);
  EXPECT_NE(refused.body.find("ask the operator"), std::string::npos);
  EXPECT_TRUE(
      agent().put_receipt(ours(id("a")), 1, {a_receipt(7, ActionResult::kInstalled)}).has_value());
  EXPECT_TRUE(a().put_verdict(id("a"), 1, {Verdict::kConfirmed, "", 1}).has_value());
}

TEST_F(AdmissionTest, AClockThatJumpsGivesNoOrderTwice) {
  limit({.max_open = {}, .rate = TenantRate{.per_minute = 1, .burst = 3}});
  const auto accepted = [&](const std::string& prefix) {
    int count = 0;
    for (int i = 0; i < 10; ++i) {
      const std::string body = to_json(delivery::OrderRequest{device("phone"), 4'102'444'800});
      count += send(HttpMethod::kPut, "/v1/orders/" + prefix + std::to_string(i),
                    provider_http.subject, body)
                           .status == 201
                   ? 1
                   : 0;
    }
    return count;
  };
  EXPECT_EQ(accepted("now"), 3);
  clock.advance_seconds(-kNow);  // 1970
  EXPECT_EQ(accepted("then"), 0);
  clock.advance_seconds(120);
  EXPECT_EQ(accepted("slowly"), 2) << "it counts on";
  clock.advance_seconds(kNow * 2);
  EXPECT_EQ(accepted("later"), 3) << "a burst, and no more";
  clock.advance_seconds(-kNow);
  EXPECT_EQ(accepted("back"), 0);
}

// Distributors on one database, each with a clock of its own that is hours from the other's.
struct SharedLimitsTest : testing::Test {
  struct Node {
    Node(const TransportCa& ca, std::int64_t now)
        : clock(now),
          store(
              store::open_order_store_postgres({.address = store::TestCluster::shared().address()})
                  .value()),
          distributor({.store = *store, .ca = ca, .clock = clock, .rng = rng}) {}
    int accept(const std::string& prefix, int orders, int from = 0) {
      int accepted = 0;
      for (int i = from; i < from + orders; ++i) {
        const HttpResponse response =
            distributor.handle({.method = HttpMethod::kPut,
                                .target = "/v1/orders/" + prefix + std::to_string(i),
                                .body = to_json(delivery::OrderRequest{device("phone"), kNow * 2}),
                                .subject = delivery::provider_subject(kSpid).common_name()});
        EXPECT_TRUE(response.status == 201 || response.status == 429) << response.body;
        accepted += response.status == 201 ? 1 : 0;
      }
      return accepted;
    }
    test::FakeClock clock;
    test::FixedRng rng{"node"};
    std::unique_ptr<delivery::OrderStore> store;
    Distributor distributor;
  };
  SharedLimitsTest() { store::TestCluster::shared().empty_database(); }
  test::FixedRng rng{"ca"};
  TransportCa ca = create_transport_ca("test", kNow, rng).value();
};

TEST_F(SharedLimitsTest, DistributorsWithClocksApartGiveNoOrderTwice) {
  Node ahead(ca, kNow + 7'200);
  Node behind(ca, kNow - 7'200);
  Node past(ca, 0);
  give(*ahead.store, kSpid, {.max_open = {}, .rate = TenantRate{.per_minute = 1, .burst = 9}}, 0);
  int accepted = 0;
  for (int i = 0; i < 8; ++i) {
    accepted += ahead.accept("a", 1, i);
    accepted += behind.accept("b", 1, i);
    accepted += past.accept("p", 1, i);
    ahead.clock.advance_seconds(600);
  }
  EXPECT_EQ(accepted, 9);
}

TEST_F(SharedLimitsTest, DistributorsAtTheSameTimePassNoLimit) {
  constexpr int kNodes = 4;
  constexpr int kEach = 40;
  for (const TenantLimits& limits :
       {TenantLimits{.max_open = 50},
        TenantLimits{.max_open = {}, .rate = TenantRate{.per_minute = 1, .burst = 50}}}) {
    store::TestCluster::shared().empty_database();
    std::vector<std::unique_ptr<Node>> nodes;
    nodes.reserve(kNodes);
    for (int i = 0; i < kNodes; ++i) {
      nodes.push_back(std::make_unique<Node>(ca, kNow));
    }
    give(*nodes[0]->store, kSpid, limits, kNow);
    std::vector<std::jthread> threads;
    threads.reserve(kNodes);
    for (int i = 0; i < kNodes; ++i) {
      threads.emplace_back([&, i] {
        // In batches, and some in two states: what is counted stands in several rows.
        Node& node = *nodes[static_cast<std::size_t>(i)];
        for (int at = 0; at < kEach; at += 8) {
          std::vector<HttpRequest> batch;
          for (int n = at; n < at + 8; ++n) {
            const std::string name = std::to_string(i) + "-" + std::to_string(n);
            const delivery::OrderRequest order{device("phone"), kNow * 2};
            const delivery::Submission one{
                {{id(name), order, deliver(an_envelope(kSpid, static_cast<std::uint8_t>(n)))}}};
            batch.push_back({.method = n % 2 == 0 ? HttpMethod::kPut : HttpMethod::kPost,
                             .target = n % 2 == 0 ? "/v1/orders/" + name : "/v1/orders",
                             .body = n % 2 == 0 ? to_json(order) : to_json(one),
                             .subject = delivery::provider_subject(kSpid).common_name()});
          }
          std::vector<HttpResponse> answers;
          do {
            answers = node.distributor.handle_batch(batch);
          } while (std::ranges::any_of(answers, [](const auto& a) { return a.status == 503; }));
          for (const HttpResponse& answer : answers) {
            EXPECT_TRUE(answer.status == 200 || answer.status == 201 || answer.status == 429)
                << answer.body;
          }
        }
      });
    }
    threads.clear();
    const auto t = nodes[0]->store->begin().value();
    const auto tenant = t->tenants().find_tenant(kSpid, 0).value().value();
    EXPECT_EQ(tenant.open, 50U);
    EXPECT_LT(tenant.units, 2 * delivery::kOrderUnits);
  }
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
