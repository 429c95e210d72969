// SPDX-License-Identifier: Apache-2.0
// A whole delivery in process at every relay level and in every suite, against the same delivery at
// RL1 in suite 01, in the same run. From the request to the verdict; CERT.SD is read in the
// enrolment's visit, and what a level needs before (a key set, a Key-DEK) is put outside the time.
// Counters: APDUs and bytes to and from the element, after enrolment.
//
// RL4 takes suite 20 or 21. A suite that the libcrypto of the process does not have is named, and
// not run.
#include <array>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "kagibin/crypto/hpke/kem.h"
#include "kagibin/crypto/hpke/ml_kem.h"
#include "kagibin/envelope/suite.h"
#include "kagibin/pki/own_memory.h"
#include "kagibin/roles/service_provider/confidential/agreed_keys.h"

#include "bench/counting_link.h"
#include "tests/support/deployment.h"
#include "tests/support/must.h"

namespace kagibin::bench {
namespace {

using envelope::RelayLevel;

constexpr int kDeliveries = 10;
using Seconds = std::chrono::duration<double>;

struct Case {
  RelayLevel level = RelayLevel::kRl1;
  std::uint8_t suite = 0x01;
};

constexpr std::string_view kDekPayload =
    R"({"target":"A00000015153504B01","channel":{"key_version":"31"},"actions":[{"put_key":{)"
    R"("key_version":"03","key_identifier":"12","keys":[{"derive":{"master":"fleet","size":16}}]}}]})";
constexpr std::string_view kRl4Payload =
    R"({"target":"A00000015153504B01","channel":{"key_version":"31","agreement_key_version":"03"},)"
    R"("actions":[{"put_key":{"replace":"31","key_version":"33","key_identifier":"01","keys":[)"
    R"({"derive":{"master":"fleet","size":16}},{"derive":{"master":"fleet","size":16}},)"
    R"({"derive":{"master":"fleet","size":16}}]}}]})";

// A world whose deliveries are all of one case.
class Deliveries {
 public:
  explicit Deliveries(const Case& of)
      : case_(of), world_(fmt::format("levels bench {}", std::to_underlying(of.level)), options()) {
    ask_for(std::to_underlying(case_.level));
  }

  // Elements for the next round, made outside the time.
  void refill() {
    const pki::OwnMemory own(others_know_);
    while (cards_.size() < kDeliveries) {
      cards_.push_back(&world_.add_card("device-" + std::to_string(made_++)));
      prepare(*cards_.back());
    }
  }

  void round() {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kDeliveries; ++i) {
      deliver(*cards_.front(), "order", payload());
      cards_.pop_front();
    }
    taken += std::chrono::steady_clock::now() - begin;
  }

  Seconds taken{};
  std::uint64_t apdus = 0;
  std::uint64_t bytes = 0;

 private:
  bool by_certificates() const {
    return case_.level == RelayLevel::kRl2 || case_.level == RelayLevel::kRl4;
  }
  test::DeploymentOptions options() const {
    test::DeploymentOptions out;
    out.suites = fmt::format("{:02X}", case_.suite);
    out.by_certificates = by_certificates();
    out.manager_exports_keys = case_.level == RelayLevel::kRl1;
    return out;
  }
  std::string_view payload() const {
    switch (case_.level) {
      case RelayLevel::kRl2:
        return by_certificates_;
      case RelayLevel::kRl4:
        return kRl4Payload;
      default:
        return by_key_set_;
    }
  }
  void ask_for(std::uint8_t level) {
    world_.policy.minimum_level = level;
    if (level > 1) {
      world_.policy.accept_rl1.reset();
    }
  }

  void prepare(test::DeployedCard& card) {
    if (case_.level == RelayLevel::kRl3) {
      // As a confidential set-up leaves it.
      test::must(
          roles::service_provider::AgreedKeys(world_.journal, *world_.keys,
                                              {.seid = card.seid,
                                               .security_domain = test::Deployment::domain_aid(),
                                               .key_version = test::Deployment::kDomainKeyVersion})
              .adopt({.keys = test::Deployment::channel_keys(card.domain_keys)}));
    } else if (case_.level == RelayLevel::kRl4) {
      ask_for(2);
      deliver(card, "set", by_certificates_);
      ask_for(3);
      deliver(card, "dek", kDekPayload);
      ask_for(4);
    }
  }

  void deliver(test::DeployedCard& card, std::string_view what, std::string_view text) {
    const auto order =
        world_.open_order(fmt::format("{}-{}", what, card.device.text()), card, text);
    const auto e0 = world_.request(order.id);
    pki::VerifiedSignatures element_knows;
    const auto in_element = [&](auto step) {
      const pki::OwnMemory own(element_knows);
      return step();
    };
    const Bytes e4 = test::must(in_element([&] { return world_.enrol(card, e0.message); }));
    CountingLink link(*card.element);
    card.middle = &link;
    const Bytes e2 = world_.seal(order.id, e0.attempt, e4);
    const Bytes e3 = test::must(in_element([&] { return world_.relay(card, e2); }));
    const auto judgement = world_.judge(order.id, e0.attempt, e3);
    KB_CHECK(judgement.verdict.verdict == delivery::Verdict::kConfirmed);
    KB_CHECK(what != "order" ||
             test::must(envelope::Receipt::decode(e3)).level == std::to_underlying(case_.level));
    card.middle = nullptr;
    apdus = link.apdus;
    bytes = link.bytes;
  }

  Case case_;
  std::string by_key_set_ = test::Deployment::payload_text();
  std::string by_certificates_ = test::Deployment::payload_by_certificates();
  test::Deployment world_;
  std::deque<test::DeployedCard*> cards_;
  int made_ = 0;
  pki::VerifiedSignatures others_know_;
};

void against_rl1(benchmark::State& state, const Case& measured) {
  Deliveries reference({});
  Deliveries one(measured);
  for (auto _ : state) {
    reference.refill();
    one.refill();
    const Seconds before = one.taken;
    reference.round();
    one.round();
    state.SetIterationTime((one.taken - before).count());
  }
  const auto deliveries = static_cast<double>(state.iterations() * kDeliveries);
  state.counters["us"] = one.taken.count() * 1e6 / deliveries;
  state.counters["rl1_us"] = reference.taken.count() * 1e6 / deliveries;
  state.counters["ratio"] = one.taken.count() / reference.taken.count();
  state.counters["apdus"] = static_cast<double>(one.apdus);
  state.counters["bytes"] = static_cast<double>(one.bytes);
}

bool has_suite(std::uint8_t suite) {
  return crypto::hpke_kem(envelope::suite_info(suite)->enrolment_kem()).has_value();
}

std::string name_of(const Case& of) {
  return fmt::format("{}_suite_{:02X}",
                     envelope::relay_level_info(std::to_underlying(of.level))->name, of.suite);
}

// Every level in its first suite, every suite at RL1, and both suites of RL4.
void add_all() {
  constexpr std::array kCases = {Case{.level = RelayLevel::kRl1, .suite = 0x01},
                                 Case{.level = RelayLevel::kRl2, .suite = 0x01},
                                 Case{.level = RelayLevel::kRl3, .suite = 0x01},
                                 Case{.level = RelayLevel::kRl4, .suite = 0x20},
                                 Case{.level = RelayLevel::kRl4, .suite = 0x21},
                                 Case{.level = RelayLevel::kRl1, .suite = 0x02},
                                 Case{.level = RelayLevel::kRl1, .suite = 0x10},
                                 Case{.level = RelayLevel::kRl1, .suite = 0x11},
                                 Case{.level = RelayLevel::kRl1, .suite = 0x20},
                                 Case{.level = RelayLevel::kRl1, .suite = 0x21}};
  for (const Case& one : kCases) {
    if (has_suite(one.suite)) {
      benchmark::RegisterBenchmark(name_of(one).c_str(), against_rl1, one)->UseManualTime();
    } else {
      fmt::print("{}: NOT RUN, libcrypto {} has no ML-KEM-768 (scripts/openssl35)\n", name_of(one),
                 crypto::library_version());
    }
  }
}

}  // namespace
}  // namespace kagibin::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 1;
  }
  kagibin::bench::add_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
