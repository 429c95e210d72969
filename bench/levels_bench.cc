// SPDX-License-Identifier: Apache-2.0
// A whole delivery in process at RL2, SCP11a between KDA and target, against the same delivery at
// RL1, SCP03, in the same run, suite 01 both. From the request to the verdict; CERT.SD is read in
// the enrolment's visit. Counters: APDUs and bytes to and from the element of each level, after
// enrolment.
#include <chrono>
#include <deque>
#include <string>

#include <benchmark/benchmark.h>

#include "bench/counting_link.h"
#include "bench/own_memory.h"
#include "tests/support/deployment.h"
#include "tests/support/must.h"

namespace kagibin::bench {
namespace {

constexpr int kDeliveries = 10;
using Seconds = std::chrono::duration<double>;

// A world whose deliveries are all of one level.
class Level {
 public:
  explicit Level(bool by_certificates)
      : by_certificates_(by_certificates), world_(seed(), options()) {
    if (by_certificates_) {
      world_.policy.minimum_level = 2;
    }
  }

  // Elements for the next round, made outside the time.
  void refill() {
    const OwnMemory own(others_know_);
    while (cards_.size() < kDeliveries) {
      cards_.push_back(&world_.add_card("device-" + std::to_string(made_++)));
    }
  }

  void round() {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kDeliveries; ++i) {
      deliver(*cards_.front());
      cards_.pop_front();
    }
    taken += std::chrono::steady_clock::now() - begin;
  }

  Seconds taken{};
  std::uint64_t apdus = 0;
  std::uint64_t bytes = 0;

 private:
  std::string_view seed() const { return by_certificates_ ? "levels bench 2" : "levels bench 1"; }
  test::DeploymentOptions options() const {
    test::DeploymentOptions out;
    out.by_certificates = by_certificates_;
    return out;
  }

  void deliver(test::DeployedCard& card) {
    const auto order =
        world_.open_order("order-" + card.device.text(), card,
                          by_certificates_ ? test::Deployment::payload_by_certificates()
                                           : test::Deployment::payload_text());
    const auto e0 = world_.request(order.id);
    pki::VerifiedSignatures element_knows;
    const auto in_element = [&](auto step) {
      const OwnMemory own(element_knows);
      return step();
    };
    const Bytes e4 = test::must(in_element([&] { return world_.enrol(card, e0.message); }));
    CountingLink link(*card.element);
    card.middle = &link;
    const Bytes e2 = world_.seal(order.id, e0.attempt, e4);
    const Bytes e3 = test::must(in_element([&] { return world_.relay(card, e2); }));
    const auto judgement = world_.judge(order.id, e0.attempt, e3);
    KB_CHECK(judgement.verdict.verdict == delivery::Verdict::kConfirmed);
    card.middle = nullptr;
    apdus = link.apdus;
    bytes = link.bytes;
  }

  bool by_certificates_;
  test::Deployment world_;
  std::deque<test::DeployedCard*> cards_;
  int made_ = 0;
  pki::VerifiedSignatures others_know_;
};

void rl2_against_rl1(benchmark::State& state) {
  Level one(false);
  Level two(true);
  for (auto _ : state) {
    one.refill();
    two.refill();
    const Seconds before = two.taken;
    one.round();
    two.round();
    state.SetIterationTime((two.taken - before).count());
  }
  const auto deliveries = static_cast<double>(state.iterations() * kDeliveries);
  state.counters["rl1_us"] = one.taken.count() * 1e6 / deliveries;
  state.counters["rl2_us"] = two.taken.count() * 1e6 / deliveries;
  state.counters["ratio"] = two.taken.count() / one.taken.count();
  state.counters["rl1_apdus"] = static_cast<double>(one.apdus);
  state.counters["rl2_apdus"] = static_cast<double>(two.apdus);
  state.counters["rl1_bytes"] = static_cast<double>(one.bytes);
  state.counters["rl2_bytes"] = static_cast<double>(two.bytes);
}
BENCHMARK(rl2_against_rl1)->UseManualTime();

}  // namespace
}  // namespace kagibin::bench

BENCHMARK_MAIN();
