// SPDX-License-Identifier: Apache-2.0
// A later delivery to the same element and target in one visit, by the enrolment that the receipt
// before it announced, against the same in two, in the same run: RL1, suite 01, the payload puts
// the next channel key set. From the opening of the attempt to the verdict. Counters of each way:
// visits, APDUs and bytes to and from the element (MANAGE CHANNEL and SELECT of every visit
// included), NVM commits.
#include <chrono>
#include <string>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "bench/counting_link.h"
#include "tests/support/deployment.h"
#include "tests/support/must.h"

namespace kagibin::bench {
namespace {

constexpr int kDeliveries = 10;
using Seconds = std::chrono::duration<double>;

// One element whose domain gets key set after key set.
class Chain {
 public:
  explicit Chain(bool keeps)
      : world_(keeps ? "one visit bench" : "two visits bench",
               {.policy_members = keeps ? R"(, "keep_enrolment_minutes": 60)" : ""}),
        card_(world_.add_card("phone-1")) {
    deliver();
  }

  void round() {
    for (int i = 0; i < kDeliveries; ++i) {
      deliver();
    }
  }

  Seconds taken{};
  std::uint64_t visits = 0;
  std::uint64_t apdus = 0;
  std::uint64_t bytes = 0;
  std::uint64_t writes = 0;

 private:
  void deliver() {
    const auto order = world_.open_order(fmt::format("order-{}", ++made_), card_, payload());
    version_ = next();
    CountingLink link(*card_.element);
    card_.middle = &link;
    const std::uint64_t before = card_.element->nvm().writes();
    const auto begin = std::chrono::steady_clock::now();
    const auto opening = world_.request(order.id);
    const bool is_at_once = test::must(world_.flow->is_at_once(order.id, opening.attempt));
    const Bytes e2 = is_at_once ? opening.message
                                : world_.seal(order.id, opening.attempt,
                                              test::must(world_.enrol(card_, opening.message)));
    const Bytes e3 = test::must(world_.relay(card_, e2));
    const auto judgement = world_.judge(order.id, opening.attempt, e3);
    taken += std::chrono::steady_clock::now() - begin;
    KB_CHECK(judgement.verdict.verdict == delivery::Verdict::kConfirmed);
    card_.middle = nullptr;
    visits = is_at_once ? 1 : 2;
    apdus = link.apdus;
    bytes = link.bytes;
    writes = card_.element->nvm().writes() - before;
  }

  int next() const { return version_ == 0x7F ? 0x31 : version_ + 1; }
  std::string payload() const {
    return fmt::format(
        R"({{"target":"{0}","channel":{{"key_version":"{1:02X}"}},"actions":[{{"put_key":{{)"
        R"("replace":"{1:02X}","key_version":"{2:02X}","key_identifier":"01",)"
        R"("keys":[{{"random":16}},{{"random":16}},{{"random":16}}]}}}}]}})",
        test::Deployment::domain_aid().hex(), version_, next());
  }

  test::Deployment world_;
  test::DeployedCard& card_;
  int made_ = 0;
  int version_ = test::Deployment::kDomainKeyVersion;
};

void one_visit_against_two(benchmark::State& state) {
  Chain one(true);
  Chain two(false);
  one.taken = two.taken = {};
  for (auto _ : state) {
    const Seconds before = one.taken;
    one.round();
    two.round();
    state.SetIterationTime((one.taken - before).count());
  }
  const auto deliveries = static_cast<double>(state.iterations() * kDeliveries);
  const auto tell = [&](const std::string& name, const Chain& chain) {
    state.counters[name + "_us"] = chain.taken.count() * 1e6 / deliveries;
    state.counters[name + "_visits"] = static_cast<double>(chain.visits);
    state.counters[name + "_apdus"] = static_cast<double>(chain.apdus);
    state.counters[name + "_bytes"] = static_cast<double>(chain.bytes);
    state.counters[name + "_nvm_commits"] = static_cast<double>(chain.writes);
  };
  tell("one", one);
  tell("two", two);
  state.counters["ratio"] = one.taken.count() / two.taken.count();
}
BENCHMARK(one_visit_against_two)->UseManualTime();

}  // namespace
}  // namespace kagibin::bench

BENCHMARK_MAIN();
