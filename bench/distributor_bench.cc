// SPDX-License-Identifier: Apache-2.0
// What a distributor does a second, and what it costs.
//
// accept: deliveries a second that are accepted over TLS, durably, against what the store can do at
// most, one and 64 to a commit, measured before and after in the same run (A/B/A): units, the rows
// that a delivery leaves, and for the scale bare rows (raw_store.h). Goals: 1.5 times the rate at
// one unit a commit, 0.3 times that at 64. A delivery is accepted when its order and its first
// attempt stand in the store and the answer is with the provider. Then how long an answer takes at
// half that rate. Server, store and clients share the machine's processors.
//
// roles: whole deliveries, from the order to the verdict, over TLS and durably: the processor time
// of each that has a part in one: service provider, distributor, device with its agent, element,
// and the database's server.
//
// backlog: the distributor's whole part of a delivery, 64 at a time, over ten thousand and over a
// million open orders, two stores in turns; the stores in memory, for how fast a disk confirms is
// no business of this figure. Goal: the same within 10%.
//
// idle: ten thousand agents that wait for work, their memory and processor time at the server.
#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <span>
#include <thread>

#include <benchmark/benchmark.h>

#include "kagibin/cli/se/resident_memory.h"
#include "kagibin/delivery/submission.h"
#include "kagibin/roles/key_distribution_operator/test_messages.h"
#include "kagibin/store/order_store_sqlite.h"
#include "kagibin/store/postgres/order_store_postgres.h"

#include "bench/distributor_site.h"
#include "bench/idle_agents.h"
#include "bench/raw_store.h"
#include "bench/role_costs.h"
#include "tests/support/fake_clock.h"
#include "tests/support/postgres_server.h"

namespace kagibin::bench {
namespace {

namespace kdo = roles::key_distribution_operator;
using delivery::HttpMethod;
using delivery::HttpRequest;
using Seconds = std::chrono::duration<double>;
using Steady = std::chrono::steady_clock;

constexpr std::uint64_t kClients = 3;
constexpr std::uint64_t kNamesOfAClient = 100'000'000;

struct Load {
  Seconds time{4};
  std::size_t orders = delivery::kMaxSubmitted;  // a request
  std::optional<double> rate{};                  // orders a second; empty: as many as are taken
};
struct Accepted {
  double a_second = 0;
  double client_us = 0;             // processor time of the clients a delivery
  double server_us = 0;             // of the rest of the process
  std::vector<double> answer_ms{};  // sorted
};

// One client's share. An answer's time counts from when its request was due.
std::vector<double> submit(DistributorSite& site, std::uint64_t first, const Load& load) {
  const auto http = site.provider();
  std::vector<double> answers;
  const auto begin = Steady::now();
  for (auto due = begin; Steady::now() - begin < load.time;) {
    HttpRequest request{.method = HttpMethod::kPost, .target = "/v1/orders"};
    request.body = submission(first, load.orders, site.now() + 86'400);
    if (load.rate) {
      due += std::chrono::duration_cast<Steady::duration>(
          Seconds(static_cast<double>(load.orders * kClients) / *load.rate));
      std::this_thread::sleep_until(due);
    } else {
      due = Steady::now();
    }
    const auto answer = http->send(request);
    answers.push_back(std::chrono::duration<double, std::milli>(Steady::now() - due).count());
    KB_CHECK(answer.has_value() && answer->status == 200);
    const auto results = delivery::submission_results_from_json(answer->body).value();
    KB_CHECK(results.results.size() == load.orders);
    for (const delivery::SubmissionResult& result : results.results) {
      KB_CHECK(result.status == 201);
    }
  }
  return answers;
}

Accepted accept(DistributorSite& site, std::uint64_t& made, const Load& load) {
  std::array<std::vector<double>, kClients> answers;
  std::atomic<double> client_seconds{0};
  const double process_before = processor_seconds(CLOCK_PROCESS_CPUTIME_ID);
  const auto begin = Steady::now();
  {
    std::vector<std::jthread> clients;
    clients.reserve(kClients);
    for (std::uint64_t i = 0; i < kClients; ++i) {
      clients.emplace_back([&, i] {
        answers.at(i) = submit(site, made + i * kNamesOfAClient, load);
        client_seconds += processor_seconds(CLOCK_THREAD_CPUTIME_ID);
      });
    }
  }
  const Seconds passed = Steady::now() - begin;
  made += kClients * kNamesOfAClient;
  Accepted out;
  for (const std::vector<double>& some : answers) {
    out.answer_ms.insert(out.answer_ms.end(), some.begin(), some.end());
  }
  std::ranges::sort(out.answer_ms);
  const auto count = static_cast<double>(out.answer_ms.size() * load.orders);
  out.a_second = count / passed.count();
  out.client_us = client_seconds / count * 1e6;
  out.server_us =
      (processor_seconds(CLOCK_PROCESS_CPUTIME_ID) - process_before) / count * 1e6 - out.client_us;
  return out;
}

double percentile(const std::vector<double>& sorted, double share) {
  return sorted.at(static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1)));
}

// Of one store: a second, one and 64 to a commit.
struct Limits {
  double one = 0;
  double many = 0;
};

Limits limits_of(RawStore& raw) { return {raw.rate(1, Seconds(1)), raw.rate(64, Seconds(1))}; }

void report(benchmark::State& state,
            const std::string& what,
            double ours,
            const Limits& before,
            const Limits& after) {
  const double one = (before.one + after.one) / 2;
  const double many = (before.many + after.many) / 2;
  state.counters["raw_" + what + "_1"] = one;
  state.counters["raw_" + what + "_64"] = many;
  state.counters["to_" + what + "_1"] = ours / one;
  state.counters["to_" + what + "_64"] = ours / many;
}

void compare(benchmark::State& state,
             RawStore& units,
             RawStore& rows,
             delivery::OrderStore& store) {
  DistributorSite site(store);
  std::uint64_t made = 0;
  accept(site, made, {.time = Seconds(0.3)});
  for (auto _ : state) {
    const Limits rows_before = limits_of(rows);
    const Limits units_before = limits_of(units);
    const Accepted ours = accept(site, made, {});
    report(state, "unit", ours.a_second, units_before, limits_of(units));
    report(state, "row", ours.a_second, rows_before, limits_of(rows));
    const Accepted half = accept(site, made, {.orders = 16, .rate = ours.a_second / 2});
    state.SetIterationTime(1 / ours.a_second);
    state.counters["a_second"] = ours.a_second;
    state.counters["client_us"] = ours.client_us;
    state.counters["server_us"] = ours.server_us;
    state.counters["half_a_second"] = half.a_second;
    state.counters["half_p50_ms"] = percentile(half.answer_ms, 0.5);
    state.counters["half_p99_ms"] = percentile(half.answer_ms, 0.99);
  }
}

void accept_on_sqlite(benchmark::State& state) {
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  RawSqlite units(folder / "units", RawKind::kUnit);
  RawSqlite rows(folder / "rows", RawKind::kRow);
  const auto store = store::open_order_store({.path = folder / "orders"}).value();
  compare(state, units, rows, *store);
}
BENCHMARK(accept_on_sqlite)->UseManualTime()->Iterations(1);

void accept_on_postgres(benchmark::State& state) {
  const test::PostgresServer server({"shared_buffers='256MB'"});
  if (!server.error().empty()) {
    state.SkipWithError(server.error().c_str());
    return;
  }
  RawPostgres units(server.address(), RawKind::kUnit);
  RawPostgres rows(server.address(), RawKind::kRow);
  const auto store = store::open_order_store_postgres({.address = server.address()}).value();
  compare(state, units, rows, *store);
}
BENCHMARK(accept_on_postgres)->UseManualTime()->Iterations(1);

void roles_on_sqlite(benchmark::State& state) {
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  weigh_roles(state, "", folder.path());
}
BENCHMARK(roles_on_sqlite)->UseManualTime()->Iterations(1)->Unit(benchmark::kMicrosecond);

void roles_on_postgres(benchmark::State& state) {
  const test::PostgresServer server({"shared_buffers='256MB'"});
  if (!server.error().empty()) {
    state.SkipWithError(server.error().c_str());
    return;
  }
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  weigh_roles(state, server.address(), folder.path());
}
BENCHMARK(roles_on_postgres)->UseManualTime()->Iterations(1)->Unit(benchmark::kMicrosecond);

// The distributor's whole part of 64 deliveries at a time, without a network.
class Backlog {
 public:
  explicit Backlog(delivery::OrderStore& store)
      : distributor_({.store = store, .ca = ca_, .clock = clock_, .rng = rng_}) {}

  // Until so many orders wait for their devices.
  void fill(std::uint64_t count) {
    while (made_ < count) {
      std::vector<HttpRequest> requests;
      requests.reserve(16);
      for (int i = 0; i < 16; ++i) {
        requests.push_back(a_submission());
      }
      run(requests, 200);
    }
  }

  // Seconds a delivery.
  double deliver(int rounds) {
    const auto begin = Steady::now();
    for (int round = 0; round < rounds; ++round) {
      const std::uint64_t first = made_;
      run({a_submission()}, 200);
      each(first, 200, [](const std::string& n) { return work(n); });
      each(first, 201, [](const std::string& n) {
        return put(by_device(n, "enrolment"), device(n),
                   to_json(delivery::EnrolmentMessage{kdo::an_answer(1, 1)}));
      });
      each(first, 201, [](const std::string& n) {
        return put(by_provider(n, "delivery"), provider(),
                   to_json(delivery::DeliveryMessage{kdo::an_envelope(kSpid, 1)}));
      });
      each(first, 200, [](const std::string& n) { return work(n); });
      each(first, 201, [](const std::string& n) {
        return put(by_device(n, "receipt"), device(n),
                   to_json(delivery::ReceiptMessage{
                       kdo::a_receipt(1, envelope::ActionResult::kInstalled), {}}));
      });
      each(first, 201, [](const std::string& n) {
        return put(by_provider(n, "verdict"), provider(),
                   to_json(delivery::VerdictMessage{delivery::Verdict::kConfirmed, "", 1}));
      });
    }
    const Seconds passed = Steady::now() - begin;
    return passed.count() / (rounds * static_cast<double>(delivery::kMaxSubmitted));
  }

 private:
  static std::string provider() { return delivery::provider_subject(kSpid).common_name(); }
  static std::string device(const std::string& n) { return "device:phone-" + n; }
  static std::string by_provider(const std::string& n, const char* what) {
    return "/v1/orders/order-" + n + "/attempts/1/" + what;
  }
  static std::string by_device(const std::string& n, const char* what) {
    return "/v1/providers/" + kSpid.hex() + "/orders/order-" + n + "/attempts/1/" + what;
  }
  static HttpRequest put(std::string target, std::string subject, std::string body) {
    return {.method = HttpMethod::kPut,
            .target = std::move(target),
            .body = std::move(body),
            .subject = std::move(subject)};
  }
  static HttpRequest work(const std::string& n) {
    return {.method = HttpMethod::kGet,
            .target = "/v1/devices/self/work?after=0&wait=0",
            .subject = device(n)};
  }
  HttpRequest a_submission() {
    return {.method = HttpMethod::kPost,
            .target = "/v1/orders",
            .body = submission(made_, delivery::kMaxSubmitted, clock_.now() + 86'400),
            .subject = provider()};
  }
  template <typename Make>
  void each(std::uint64_t first, int status, Make make) {
    std::vector<HttpRequest> requests;
    requests.reserve(delivery::kMaxSubmitted);
    for (std::uint64_t i = 0; i < delivery::kMaxSubmitted; ++i) {
      requests.push_back(make(std::to_string(first + i)));
    }
    run(requests, status);
  }
  void run(const std::vector<HttpRequest>& requests, int status) {
    const auto answers = distributor_.handle_batch(requests);
    for (const delivery::HttpResponse& answer : answers) {
      KB_CHECK(answer.status == status);
    }
  }

  test::FakeClock clock_{1'800'000'000};
  crypto::SystemRng rng_;
  kdo::TransportCa ca_ = kdo::create_transport_ca("bench", clock_.now(), rng_).value();
  kdo::Distributor distributor_;
  std::uint64_t made_ = 0;
};

// In turns, so that whatever else the machine does falls on both.
void weigh_backlog(benchmark::State& state,
                   delivery::OrderStore& store_of_few,
                   delivery::OrderStore& store_of_many) {
  constexpr int kTurns = 25;
  constexpr int kRounds = 2;  // a turn
  Backlog backlog_of_few(store_of_few);
  Backlog backlog_of_many(store_of_many);
  for (auto _ : state) {
    backlog_of_few.fill(10'000);
    backlog_of_many.fill(1'000'000);
    backlog_of_few.deliver(kTurns * kRounds / 5);
    backlog_of_many.deliver(kTurns * kRounds / 5);
    double few = 0;
    double many = 0;
    for (int turn = 0; turn < kTurns; ++turn) {
      few += backlog_of_few.deliver(kRounds) / kTurns;
      many += backlog_of_many.deliver(kRounds) / kTurns;
    }
    state.SetIterationTime(many);
    state.counters["over_10k_us"] = few * 1e6;
    state.counters["over_1M_us"] = many * 1e6;
    state.counters["ratio"] = many / few;
  }
}

void backlog_on_sqlite(benchmark::State& state) {
  const TemporaryFolder folder("/dev/shm");
  const auto few = store::open_order_store({.path = folder / "few"}).value();
  const auto many = store::open_order_store({.path = folder / "many"}).value();
  weigh_backlog(state, *few, *many);
}
BENCHMARK(backlog_on_sqlite)->UseManualTime()->Iterations(1)->Unit(benchmark::kMicrosecond);

void backlog_on_postgres(benchmark::State& state) {
  const test::PostgresServer server({"shared_buffers='1GB'", "fsync=on", "max_wal_size='8GB'"});
  if (!server.error().empty()) {
    state.SkipWithError(server.error().c_str());
    return;
  }
  const auto few = store::open_order_store_postgres({.address = server.address()}).value();
  const auto many =
      store::open_order_store_postgres({.address = another_database(server.address(), "many")})
          .value();
  weigh_backlog(state, *few, *many);
}
BENCHMARK(backlog_on_postgres)->UseManualTime()->Iterations(1)->Unit(benchmark::kMicrosecond);

void idle_agents(benchmark::State& state) {
  constexpr int kWait = 60;
  const auto count = static_cast<int>(state.range(0));
  IdleAgents agents;  // forks: before any thread
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  const auto store = store::open_order_store({.path = folder / "orders"}).value();
  DistributorSite site(*store, {.max_connections = 2 * static_cast<std::size_t>(count)});
  const auto identities = site.devices(64);
  for (auto _ : state) {
    const std::uint64_t memory_before = cli::resident_octets();
    const double before = processor_seconds(CLOCK_PROCESS_CPUTIME_ID);
    const int under_way = agents.start(site.port(), identities, count, kWait);
    if (under_way != count) {
      state.SkipWithError("the server did not take all of them: are there file descriptors?");
      return;
    }
    const double connected = processor_seconds(CLOCK_PROCESS_CPUTIME_ID);
    const std::uint64_t memory = cli::resident_octets() - memory_before;
    std::this_thread::sleep_for(std::chrono::seconds(10));
    const double waited = processor_seconds(CLOCK_PROCESS_CPUTIME_ID);
    const int answered = agents.finish();
    KB_CHECK(answered == count);
    const double all = processor_seconds(CLOCK_PROCESS_CPUTIME_ID);
    state.SetIterationTime((connected - before) / count);
    state.counters["octets_each"] = static_cast<double>(memory) / count;
    state.counters["connect_us_each"] = (connected - before) / count * 1e6;
    state.counters["waiting_percent"] = (waited - connected) / 10 * 100;
    state.counters["answer_us_each"] = (all - waited) / count * 1e6;
  }
}
BENCHMARK(idle_agents)->Arg(10'000)->UseManualTime()->Iterations(1)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace kagibin::bench

BENCHMARK_MAIN();
