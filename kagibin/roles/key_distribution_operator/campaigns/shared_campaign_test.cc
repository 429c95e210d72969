// SPDX-License-Identifier: Apache-2.0
// Several distributors on one database release one campaign together: each order once, and never
// more than the rate allows.
#include <algorithm>
#include <array>
#include <barrier>
#include <thread>

#include <fmt/format.h>
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
  explicit Node(const TransportCa& ca,
                LogKeeper* log = nullptr,
                DistributorObserver* observer = nullptr)
      : store(store::open_order_store_postgres({.address = store::TestCluster::shared().address()})
                  .value()),
        distributor({.store = *store,
                     .ca = ca,
                     .clock = clock,
                     .rng = rng,
                     .log = log,
                     .observer = observer}) {}
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
      node->clock.advance_uptime_ms(1'000);
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

// What a provider sends, kept to be handled together with what others send.
class Noting final : public delivery::HttpClient {
 public:
  Noting(const Spid& spid, std::vector<HttpRequest>& into)
      : subject_(delivery::provider_subject(spid).common_name()), into_(into) {}
  Result<HttpResponse> send(const HttpRequest& request) override {
    into_.push_back(request);
    into_.back().subject = subject_;
    return fail(Errc::kNetwork, "it was noted");
  }

 private:
  std::string subject_;
  std::vector<HttpRequest>& into_;
};

struct CrossingCampaignsTest : SharedCampaignTest {
  // A deadlock is looked for soon, so that there is time for many.
  CrossingCampaignsTest() { settle("ALTER ROLE kagibin SET deadlock_timeout = '20ms'"); }
  ~CrossingCampaignsTest() override { settle("ALTER ROLE kagibin RESET deadlock_timeout"); }
  static void settle(const std::string& sql) {
    ASSERT_TRUE(store::TestCluster::shared().session()->script(sql).has_value());
  }
  // Since the server started.
  static std::int64_t deadlocks() {
    const auto session = store::TestCluster::shared().session();
    session->add(
        "SELECT deadlocks::bigint FROM pg_stat_database WHERE datname = current_database()");
    return session->run().value().front().at(0).integer(0);
  }

  // Whoever is the second of the two goes the other way round.
  static std::array<Spid, 2> providers(bool is_second) {
    return is_second ? std::array{kOtherSpid, kSpid} : std::array{kSpid, kOtherSpid};
  }
  // An order of each provider's campaign and what comes with it, and both campaigns stopped or
  // started.
  static std::vector<HttpRequest> crossing(int round, bool is_second) {
    std::vector<HttpRequest> out;
    for (const Spid& spid : providers(is_second)) {
      Noting http(spid, out);
      ProviderApi provider(http);
      const auto order = id(fmt::format("o{}-{}", round, is_second ? 2 : 1));
      static_cast<void>(provider.put_order(order, {.device = device(fmt::format("d{}", round % 5)),
                                                   .not_after = kNow + 600'000,
                                                   .campaign = name()}));
      static_cast<void>(provider.put_attempt(order, 1, deliver(an_envelope(spid, 1))));
    }
    for (const Spid& spid : providers(is_second)) {
      Noting http(spid, out);
      const bool pauses = (round + (is_second ? 1 : 0)) % 2 == 0;
      static_cast<void>(CampaignApi(http).put_state(
          name(), {pauses ? CampaignState::kPaused : CampaignState::kRunning, "for now"}));
    }
    return out;
  }
};

// Counts what the store did not take for the last time.
struct Failures final : DistributorObserver {
  void not_committed(std::size_t /*requests*/, const Error& why) override {
    codes.push_back(why.code);
  }
  std::vector<Errc> codes;
};

// promises: several distributors, no leader. Two distributors take the campaigns of two providers
// in opposite order, which PostgreSQL ends as a deadlock (40P01): whoever it was is tried again.
TEST_F(CrossingCampaignsTest, NobodyHearsOfADeadlockAndEachOrderIsReleasedOnce) {
  constexpr int kRounds = 60;
  std::array<Failures, 2> failures;
  Node one(ca, &log_keeper, failures.data());
  Node two(ca, nullptr, &failures[1]);
  const std::array<Node*, 2> nodes = {&one, &two};
  CampaignTerms terms{.not_after = kNow + 100'000};
  terms.groups = {{.name = "all"}};
  terms.rollout = {.per_minute = 6'000, .max = 6'000};
  for (const Spid& spid : providers(false)) {
    LocalHttp http(one.distributor, delivery::provider_subject(spid).common_name());
    ASSERT_TRUE(CampaignApi(http).put_campaign(name(), terms).has_value());
  }
  const std::int64_t before = deadlocks();
  std::barrier start(2);
  std::array<std::vector<int>, 2> refused;
  const auto play = [&](std::size_t which) {
    for (int round = 0; round < kRounds; ++round) {
      nodes[which]->clock.set_now(kNow + round);
      const auto requests = crossing(round, which == 1);
      start.arrive_and_wait();
      for (const HttpResponse& answer : nodes[which]->distributor.handle_batch(requests)) {
        if (answer.status >= 300) {
          refused[which].push_back(answer.status);
        }
      }
      static_cast<void>(nodes[which]->distributor.tick());
    }
  };
  {
    const std::jthread second(play, 1);
    play(0);
  }
  const std::int64_t found = deadlocks() - before;
  fmt::print("{} deadlocks in {} crossings\n", found, kRounds);
  EXPECT_GT(found, 0) << "nobody was in another's way";
  for (const std::size_t which : {0U, 1U}) {
    EXPECT_EQ(refused[which], std::vector<int>()) << which;
    EXPECT_EQ(failures[which].codes, std::vector<Errc>()) << which;
  }

  for (const Spid& spid : providers(false)) {
    LocalHttp http(one.distributor, delivery::provider_subject(spid).common_name());
    CampaignApi api(http);
    ASSERT_TRUE(api.put_state(name(), {CampaignState::kRunning, ""}).has_value());
    for (int second = 0; second < 60 && api.campaign(name())->released < 2 * kRounds; ++second) {
      for (Node* node : nodes) {
        node->clock.set_now(kNow + kRounds + second);
        static_cast<void>(node->distributor.tick());
      }
    }
    EXPECT_EQ(api.campaign(name())->released, std::uint64_t{2 * kRounds});
    EXPECT_EQ(api.campaign(name())->groups[0].orders.at(State::kSealed),
              std::uint64_t{2 * kRounds});
    EXPECT_EQ(api.history(id("o7-2"), "")->events.size(), 3U) << "order, attempt, release";
  }
  const auto snapshot = [&] {
    while (one.store->begin().value()->audit().without_place(1).value().size() == 1) {
      static_cast<void>(one.distributor.tick());
    }
    return one.store->snapshot().value();
  }();
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
  // A clock that is ahead sees no more time pass than there was.
  Node ahead(ca);
  ahead.clock.set_now(kNow + 40);
  static_cast<void>(ahead.distributor.tick());
  ahead.clock.set_now(kNow + 100);
  static_cast<void>(ahead.distributor.tick());
  EXPECT_EQ(api.campaign(name())->state, CampaignState::kCancelling);
  ASSERT_TRUE(t->commit().has_value());
  t.reset();
  for (std::int64_t second = 1; second < kEndingSeconds + 2 * kNapSeconds; ++second) {
    for (Node* node : {&one, &ahead}) {
      node->clock.advance_seconds(1);
      static_cast<void>(node->distributor.tick());
    }
  }
  EXPECT_EQ(api.campaign(name())->state, CampaignState::kCancelled);
  EXPECT_EQ(api.campaign(name())->groups[0].orders.at(State::kCancelled), 1U);
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
