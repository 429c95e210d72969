// SPDX-License-Identifier: Apache-2.0
// APDU rate of a virtual element over TCP (vpcd's frames) against a raw loop of the same frames.
// Goal: 0.7 of the raw rate, so a time ratio of at most 1.43.
#include <thread>

#include <benchmark/benchmark.h>

#include "kagibin/cli/se/element_card.h"
#include "kagibin/link/tcp_reader.h"
#include "kagibin/se/nvm/nvm_memory.h"

#include "bench/side_by_side.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fixed_rng.h"

namespace kagibin::bench {
namespace {

const Bytes kSelect = *from_hex("00A4040008A00000015100000000");

// Answers every frame with the same octets.
class FixedAnswer final : public link::CardSide {
 public:
  explicit FixedAnswer(Bytes answer) : answer_(std::move(answer)) {}
  void power_on() override {}
  void power_off() override {}
  void reset() override {}
  Bytes atr() const override { return {0x3B, 0x00}; }
  Result<Bytes> transmit(ByteView /*command*/) override { return answer_; }

 private:
  Bytes answer_;
};

// A card on a loopback port, served by a thread of its own.
class Served {
 public:
  explicit Served(link::CardSide& card)
      : listener_(link::ListeningSocket::open("127.0.0.1", 0).value()),
        thread_([this, &card] {
          static_cast<void>(link::VpcdCard(card).serve_listening(listener_, stop_));
        }),
        reader_(link::TcpReader::connect("127.0.0.1", listener_.port()).value()) {}
  ~Served() {
    stop_.raise();
    thread_.join();
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;
  Bytes transmit(ByteView command) { return reader_->transmit(command).value(); }

 private:
  link::StopSignal stop_;
  link::ListeningSocket listener_;
  std::thread thread_;
  std::unique_ptr<link::TcpReader> reader_;
};

void element_over_tcp(benchmark::State& state) {
  test::FixedRng rng("link bench");
  test::FakeClock clock;
  const se::ModuleRegistry modules;
  auto element =
      se::Element::create({}, std::make_unique<se::NvmMemory>(), rng, clock, modules).value();
  cli::ElementCard card(*element);
  FixedAnswer fixed(element->transmit(kSelect).value());
  Served ours(card);
  Served raw(fixed);
  side_by_side(state, 200, [&] { ours.transmit(kSelect); }, [&] { raw.transmit(kSelect); });
  state.counters["apdus_per_second"] = 1e6 / state.counters["ours_us"];
}
BENCHMARK(element_over_tcp)->UseManualTime();

}  // namespace
}  // namespace kagibin::bench

BENCHMARK_MAIN();
