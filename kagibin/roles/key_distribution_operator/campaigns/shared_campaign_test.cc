// SPDX-License-Identifier: Apache-2.0
// Several distributors on one database release one campaign together: each order once, and never
// more than the rate allows.
#include <algorithm>
#include <barrier>
#include <thread>

#include <gtest/gtest.h>

#include "kagibin/delivery/campaign_client.h"
#include "kagibin/roles/key_distribution_operator/audit/log_audit.h"
#include "kagibin/roles/key_distribution_operator/campaigns/campaign_gate.h"
#include "kagibin/roles/key_distribution_operator/campaigns/campaign_run.h"
#include "kagibin/roles/key_distribution_operator/test_distributor.h"
#include "kagibin/store/postgres/order_store_postgres.h"
#include "kagibin/store/postgres/test_cluster.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

using delivery::CampaignApi;
using delivery::CampaignId;
using delivery::CampaignState;
using delivery::CampaignTerms;

// A distributor of its own store object and clock, over the common database.
struct Node {
  explicit Node(const TransportCa& ca, LogKeeper* log = nullptr)
      : store(store::open_order_store_postgres({.address = store::TestCluster::shared().address()})
                  .value()),
        distributor({.store = *store, .ca = ca, .clock = clock, .rng = rng, .log = log}) {}
  test::FakeClock clock{kNow};
  test::FixedRng rng{"node"};
  std::unique_ptr<delivery::OrderStore> store;
  Distributor distributor;
};

struct SharedCampaignTest : testing::Test {
  SharedCampaignTest() { store::TestCluster::shared().empty_database(); }
  static CampaignId name() { return CampaignId::from("c").value(); }
  // An envelope at once for each; some of other devices.
  static void join(Node& node, int count) {
    LocalHttp http(node.distributor, delivery::provider_subject(kSpid).common_name());
    ProviderApi a(http);
    for (int first = 0; first < count; first += 50) {
      delivery::Submission submission;
      for (int i = first; i < std::min(count, first + 50); ++i) {
        submission.orders.push_back({.id = id("o" + std::to_string(i)),
                                     .order = {.device = device("d" + std::to_string(i % 7)),
                                               .not_after = kNow + 600'000,
                                               .campaign = name()},
                                     .opening = deliver(an_envelope(kSpid, 1))});
      }
      for (const auto& result : a.submit(submission)->results) {
        ASSERT_EQ(result.status, 201);
      }
    }
  }
  test::FixedRng rng{"shared"};
  TransportCa ca = create_transport_ca("test", kNow, rng).value();
  test::FixedRng log_rng{"log"};
  crypto::Ed25519PrivateKey log_key = crypto::Ed25519PrivateKey::generate(log_rng).value();
  LogKeeper log_keeper{log_key};
};

// promises: several distributors, no leader
TEST_F(SharedCampaignTest, ThreeDistributorsReleaseEachOrderOnceAndNoMoreThanTheRate) {
  constexpr int kOrders = 300;
  constexpr std::uint32_t kPerMinute = 600;
  Node first(ca, &log_keeper);
  LocalHttp http(first.distributor, delivery::provider_subject(kSpid).common_name());
  CampaignApi api(http);
  CampaignTerms terms{.not_after = kNow + 100'000};
  terms.groups = {{.name = "all"}};
  terms.rollout = {.per_minute = kPerMinute, .max = kPerMinute};
  ASSERT_TRUE(api.put_campaign(name(), terms).has_value());
  join(first, kOrders);
  Node second(ca);
  Node third(ca);
  for (std::int64_t second_of_all = 0; second_of_all <= 40; ++second_of_all) {
    std::vector<std::jthread> threads;
    threads.reserve(3);
    std::barrier start(3);
    for (Node* node : {&first, &second, &third}) {
      // The third one's clock goes after the others'.
      node->clock.set_now(kNow + second_of_all - (node == &third ? 1 : 0));
      threads.emplace_back([&start, node] {
        start.arrive_and_wait();
        static_cast<void>(node->distributor.tick());
      });
    }
    threads.clear();
    const std::uint64_t released = api.campaign(name())->released;
    EXPECT_LE(released, 1 + second_of_all * kPerMinute / 60) << second_of_all;
  }
  EXPECT_EQ(api.campaign(name())->released, std::uint64_t{kOrders});
  EXPECT_EQ(api.campaign(name())->groups[0].orders.at(State::kSealed), std::uint64_t{kOrders});
  ASSERT_TRUE(api.put_state(name(), {CampaignState::kCancelled, "enough"}).has_value());
  for (std::int64_t more = 41; more < 41 + kEndingSeconds + 2 * kNapSeconds; ++more) {
    for (Node* node : {&first, &second, &third}) {
      node->clock.set_now(kNow + more);
      static_cast<void>(node->distributor.tick());
    }
  }
  EXPECT_EQ(api.campaign(name())->state, CampaignState::kCancelled);
  EXPECT_EQ(api.campaign(name())->groups[0].orders.at(State::kCancelled), std::uint64_t{kOrders});
  EXPECT_EQ(api.history(id("o7"), "")->events.size(), 4U) << "order, attempt, release, cancel";
  while (first.store->begin().value()->audit().without_place(1).value().size() == 1) {
    static_cast<void>(first.distributor.tick());
  }
  const auto snapshot = first.store->snapshot().value();
  StoreLog log(*snapshot);
  const auto report = LogAudit(log, log_keeper.verifier()).run({.store = snapshot.get()}).value();
  EXPECT_TRUE(report.findings.empty()) << report.findings.sentences().front();
}

// Orders that come while a campaign is being cancelled, at another distributor.
TEST_F(SharedCampaignTest, NoOrderOutlivesACampaignThatIsCancelledWhileItJoins) {
  Node one(ca);
  Node two(ca);
  LocalHttp http(one.distributor, delivery::provider_subject(kSpid).common_name());
  CampaignApi api(http);
  CampaignTerms terms{.not_after = kNow + 100'000};
  terms.groups = {{.name = "all"}};
  ASSERT_TRUE(api.put_campaign(name(), terms).has_value());
  // Read as running, committed after the request to cancel.
  auto t = two.store->begin().value();
  CampaignGate gate(*t, kNow);
  delivery::OrderRow late{.id = id("late"), .provider = kSpid, .device = device("d")};
  late.not_after = kNow + 600'000;
  late.membership =
      gate.join(kSpid, {.device = late.device, .not_after = late.not_after, .campaign = name()})
          .value();
  ASSERT_TRUE(t->insert_order(late).has_value());
  ASSERT_TRUE(api.put_state(name(), {CampaignState::kCancelled, ""}).has_value());
  static_cast<void>(one.distributor.tick());
  ASSERT_TRUE(t->commit().has_value());
  t.reset();
  for (std::int64_t second = 1; second < kEndingSeconds + 2 * kNapSeconds; ++second) {
    one.clock.set_now(kNow + second);
    static_cast<void>(one.distributor.tick());
  }
  EXPECT_EQ(api.campaign(name())->state, CampaignState::kCancelled);
  EXPECT_EQ(api.campaign(name())->groups[0].orders.at(State::kCancelled), 1U);
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
