// SPDX-License-Identifier: Apache-2.0
// What a virtual element costs: its APDU rate over TCP (vpcd's frames) and through vpcd and pcscd,
// each against a raw loop of the same frames in the same run (goal: 0.7 of the raw rate, so a time
// ratio of at most 1.43), and what 100,000 of them cost (goal: 8,192 octets each).
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <benchmark/benchmark.h>

#include "kagibin/cli/pcscd/private_pcscd.h"
#include "kagibin/cli/profile/recipe_files.h"
#include "kagibin/cli/se/element_card.h"
#include "kagibin/cli/se/resident_memory.h"
#include "kagibin/cli/se/standard_modules.h"
#include "kagibin/link/card_port.h"
#include "kagibin/link/pcsc_reader.h"
#include "kagibin/link/tcp_reader.h"
#include "kagibin/se/host/element_host.h"
#include "kagibin/se/nvm/nvm_memory.h"

#include "bench/side_by_side.h"
#include "tests/support/must.h"

namespace kagibin::bench {
namespace {

using test::must;

constexpr std::uint32_t kMany = 100'000;
const Bytes& select_isd() {
  static const Bytes command = *from_hex("00A4040008A00000015100000000");
  return command;
}

// Answers every frame with the same octets.
class FixedAnswer final : public link::CardSide {
 public:
  explicit FixedAnswer(Bytes answer) : answer_(std::move(answer)) {}
  void power_on() override {}
  void power_off() override {}
  void reset() override {}
  Bytes atr() const override { return *from_hex("3B800181"); }
  Result<Bytes> transmit(ByteView /*command*/) override { return answer_; }

 private:
  Bytes answer_;
};

cli::ElementRecipe recipe_of(const std::string& profile) {
  crypto::SystemRng rng;
  auto found = must(cli::find_profile(profile));
  cli::ProfileKeys keys;
  must(keys.fill(found.profile, rng));
  return must(cli::ElementRecipe::create(std::move(found.profile), std::move(keys)));
}

// One element, and beside it a card that answers the same to everything: cards 0 and 1 of two
// neighbouring ports, served by threads of their own, as pcscd's two slots want them.
class Pair final : public link::CardBox {
 public:
  Pair()
      : element_(must(se::Element::create(must(recipe_of("factory").element(1)),
                                          std::make_unique<se::NvmMemory>(),
                                          rng_,
                                          clock_,
                                          modules_))),
        answer_(must(element_->transmit(select_isd()))),
        port_(must(link::CardPort::open("127.0.0.1", 0, 2))),
        thread_([this] { port_.serve(*this, stop_); }) {}
  ~Pair() override {
    stop_.raise();
    thread_.join();
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  Result<std::unique_ptr<link::CardSide>> take(std::uint32_t number) override {
    if (number == 0) {
      return std::make_unique<cli::ElementCard>(*element_);
    }
    return std::make_unique<FixedAnswer>(answer_);
  }
  std::uint16_t port() const { return port_.port(); }

 private:
  crypto::SystemRng rng_;
  SystemClock clock_;
  se::ModuleRegistry modules_ = must(cli::standard_modules());
  std::unique_ptr<se::Element> element_;
  Bytes answer_;
  link::CardPort port_;
  link::StopSignal stop_;
  std::thread thread_;
};

void compare(benchmark::State& state, apdu::CardLink& ours, apdu::CardLink& raw) {
  constexpr int kTurns = 200;
  side_by_side(
      state, kTurns, [&] { must(ours.transmit(select_isd())); },
      [&] { must(raw.transmit(select_isd())); });
  state.counters["apdus_per_second"] = 1e6 / state.counters["ours_us"];
}

void element_over_tcp(benchmark::State& state) {
  const Pair pair;
  const auto ours = must(link::TcpReader::connect("127.0.0.1", pair.port()));
  const auto raw =
      must(link::TcpReader::connect("127.0.0.1", static_cast<std::uint16_t>(pair.port() + 1)));
  compare(state, *ours, *raw);
}
BENCHMARK(element_over_tcp)->UseManualTime();

// The reader of this number, once pcscd has seen its card.
std::unique_ptr<link::PcscReader> reader(const std::string& number) {
  constexpr int kTries = 100;
  for (int tries = 0; tries < kTries; ++tries) {
    if (auto connected = link::PcscReader::connect(number)) {
      return std::move(*connected);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return nullptr;
}

// A pcscd of our own with both cards in its readers. One a process: libpcsclite looks for its
// socket once.
class Readers {
 public:
  static Readers& get() {
    static Readers only;
    return only;
  }
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;
  ~Readers() {
    ours_.reset();
    raw_.reset();
    pcscd_.reset();
    std::filesystem::remove_all(folder_);
  }

  // Empty when both cards are there.
  const std::string& trouble() const { return trouble_; }
  apdu::CardLink& ours() { return *ours_; }
  apdu::CardLink& raw() { return *raw_; }

 private:
  Readers() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "kagibin-bench-XXXXXX").string();
    KB_CHECK(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    auto pcscd = cli::PrivatePcscd::start(folder_, pair_.port());
    if (!pcscd) {
      trouble_ = pcscd.error().detail.text();
      return;
    }
    pcscd_ = std::move(*pcscd);
    setenv("PCSCLITE_CSOCK_NAME", pcscd_->socket_path().c_str(), 1);
    ours_ = reader("0");
    raw_ = reader("1");
    if (ours_ == nullptr || raw_ == nullptr) {
      trouble_ = "pcscd shows no card in one of the two readers";
    }
  }

  Pair pair_;
  std::filesystem::path folder_;
  std::unique_ptr<cli::PrivatePcscd> pcscd_;
  std::unique_ptr<link::PcscReader> ours_;
  std::unique_ptr<link::PcscReader> raw_;
  std::string trouble_;
};

void element_through_pcscd(benchmark::State& state) {
  Readers& readers = Readers::get();
  if (!readers.trouble().empty()) {
    state.SkipWithError(readers.trouble().c_str());
  } else {
    compare(state, readers.ours(), readers.raw());
  }
}
BENCHMARK(element_through_pcscd)->UseManualTime();

// 100,000 elements asleep: the time is that of making them.
void many_elements(benchmark::State& state, const std::string& profile) {
  crypto::SystemRng rng;
  const SystemClock clock;
  const se::ModuleRegistry modules = must(cli::standard_modules());
  const cli::ElementRecipe recipe = recipe_of(profile);
  for (auto _ : state) {
    const std::uint64_t before = cli::resident_octets();
    const auto begin = std::chrono::steady_clock::now();
    auto host = must(se::ElementHost::create(
        {.count = kMany,
         .label = profile,
         .profile = [&](std::uint32_t number) { return recipe.element(number); }},
        {.rng = rng, .clock = clock, .modules = modules}, {.awake = 0}));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const std::uint64_t after = cli::resident_octets();
    state.SetIterationTime(took.count());
    state.counters["resident_octets_each"] = static_cast<double>(after - before) / kMany;
    state.counters["content_octets_each"] = static_cast<double>(host->sleeping_octets()) / kMany;
    state.counters["made_per_second"] = kMany / took.count();
  }
}
BENCHMARK_CAPTURE(many_elements, factory, "factory")->UseManualTime()->Iterations(1);
BENCHMARK_CAPTURE(many_elements, payment, "payment")->UseManualTime()->Iterations(1);

// One use of an element that slept, and of one that stayed awake: take it, select, give it back.
void use_of_one_of_many(benchmark::State& state) {
  crypto::SystemRng rng;
  const SystemClock clock;
  const se::ModuleRegistry modules = must(cli::standard_modules());
  const cli::ElementRecipe recipe = recipe_of("factory");
  const auto make = [&](std::size_t awake) {
    return must(se::ElementHost::create(
        {.count = 100, .profile = [&](std::uint32_t number) { return recipe.element(number); }},
        {.rng = rng, .clock = clock, .modules = modules}, {.awake = awake}));
  };
  auto sleepy = make(0);
  auto restless = make(100);
  std::uint32_t number = 0;
  const auto use = [&](se::ElementHost& host) {
    number = (number + 1) % host.count();
    auto lease = must(host.take(number));
    benchmark::DoNotOptimize(must(lease.element().transmit(select_isd())));
  };
  side_by_side(state, 200, [&] { use(*sleepy); }, [&] { use(*restless); });
}
BENCHMARK(use_of_one_of_many)->UseManualTime();

}  // namespace
}  // namespace kagibin::bench

BENCHMARK_MAIN();
