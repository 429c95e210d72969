// SPDX-License-Identifier: Apache-2.0
// One whole delivery in process (request, enrolment, sealing, relay, receipt, verdict) against its
// own cryptographic operations. Goal: 1.3. Counters: APDUs and bytes to and from the element after
// enrolment (goal: at most 16 and 2 kB; a second device visit's SELECT and MANAGE CHANNEL
// included), NVM writes. The provider's key records lie in memory (/dev/shm): how fast a disk
// confirms a write is no business of this figure.
//
// What is remembered is remembered where it would be: the provider serves every delivery in one
// process; each element, and maker and manager, are elsewhere, and what they verified nobody else
// knows.
#include <deque>
#include <utility>

#include <benchmark/benchmark.h>

#include "kagibin/pki/own_memory.h"

#include "bench/counting_link.h"
#include "bench/raw_openssl.h"
#include "bench/side_by_side.h"
#include "tests/support/deployment.h"
#include "tests/support/must.h"

namespace kagibin::bench {
namespace {

// Every public-key operation of one delivery on both ends, and the symmetric work of its messages.
void raw_delivery(RawOpenssl& raw) {
  // Key pairs: PK.SP.KEM, skE, ePK.K of E4, ePK.A of E2, ePK.K of 8F.
  for (int i = 0; i < 5; ++i) {
    raw.generate();
  }
  // ECDH at both ends of E4, E2 and 8F; E2 is opened twice, to check it at LOAD and to use it at
  // the first NEXT, because between the two K rests as the envelope alone.
  for (int i = 0; i < 7; ++i) {
    raw.agree();
  }
  // E0, E1, E2 and E3: signed once, verified once each; CERT.SP verified by the KDA, CERT.KDA by A
  // (CERT.EUM is the maker's, of many elements, and our own certificate: verified before).
  for (int i = 0; i < 4; ++i) {
    raw.sign(420);
    raw.verify();
  }
  raw.verify();
  raw.verify();
  // CBC and CMAC over E4, E2 and 8F at both ends, X9.63, hashes.
  for (int i = 0; i < 2; ++i) {
    raw.encrypt(864);
    raw.mac(1000);
    raw.encrypt(208);
    raw.mac(360);
    raw.encrypt(96);
    raw.mac(200);
    for (int hash = 0; hash < 10; ++hash) {
      raw.hash(200);
    }
  }
  // SCP03: three session keys and two cryptograms at both ends, PUT KEY wrapped and unwrapped.
  for (int i = 0; i < 2 * 5 * 2; ++i) {
    raw.mac(32);
  }
  for (int i = 0; i < 8; ++i) {
    raw.encrypt(80);
    raw.mac(100);
  }
}

void whole_delivery(benchmark::State& state) {
  constexpr int kDeliveries = 10;
  test::Deployment world("delivery bench");
  RawOpenssl raw;
  // Every delivery needs an element whose domain has the issuer's keys: made outside the time.
  std::deque<test::DeployedCard*> cards;
  int made = 0;
  pki::VerifiedSignatures others_know;
  const auto refill = [&] {
    const pki::OwnMemory own(others_know);
    while (cards.size() < kDeliveries) {
      cards.push_back(&world.add_card("device-" + std::to_string(made++)));
    }
  };
  std::uint64_t apdus = 0;
  std::uint64_t bytes = 0;
  std::uint64_t writes = 0;
  using Seconds = std::chrono::duration<double>;
  Seconds ours{};
  Seconds limit{};
  for (auto _ : state) {
    refill();
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kDeliveries; ++i) {
      raw_delivery(raw);
    }
    const auto middle = std::chrono::steady_clock::now();
    for (int i = 0; i < kDeliveries; ++i) {
      test::DeployedCard& card = *cards.front();
      cards.pop_front();
      const auto order = world.open_order("order-" + card.device.text(), card);
      const auto e0 = world.request(order.id);
      pki::VerifiedSignatures element_knows;
      const auto in_element = [&](auto step) {
        const pki::OwnMemory own(element_knows);
        return step();
      };
      const Bytes e4 = test::must(in_element([&] { return world.enrol(card, e0.message); }));
      CountingLink link(*card.element);
      card.middle = &link;
      const std::uint64_t before = card.element->nvm().writes();
      const Bytes e2 = world.seal(order.id, e0.attempt, e4);
      const Bytes e3 = test::must(in_element([&] { return world.relay(card, e2); }));
      const auto judgement = world.judge(order.id, e0.attempt, e3);
      KB_CHECK(judgement.verdict.verdict == delivery::Verdict::kConfirmed);
      apdus = link.apdus;
      bytes = link.bytes;
      writes = card.element->nvm().writes() - before;
      card.middle = nullptr;
    }
    const auto end = std::chrono::steady_clock::now();
    limit += middle - begin;
    ours += end - middle;
    state.SetIterationTime(Seconds(end - middle).count());
  }
  state.counters["ours_us"] =
      ours.count() * 1e6 / static_cast<double>(state.iterations() * kDeliveries);
  state.counters["raw_us"] =
      limit.count() * 1e6 / static_cast<double>(state.iterations() * kDeliveries);
  state.counters["ratio"] = ours.count() / limit.count();
  state.counters["apdus_after_enrolment"] = static_cast<double>(apdus);
  state.counters["bytes_after_enrolment"] = static_cast<double>(bytes);
  state.counters["nvm_commits_after_enrolment"] = static_cast<double>(writes);
}
BENCHMARK(whole_delivery)->UseManualTime();

}  // namespace
}  // namespace kagibin::bench

BENCHMARK_MAIN();
