// SPDX-License-Identifier: Apache-2.0
#include "bench/role_costs.h"

#include <array>
#include <cstdint>

#include "kagibin/base/clock.h"
#include "kagibin/cli/fleet/fleet.h"
#include "kagibin/crypto/rng.h"

namespace kagibin::bench {
namespace {

namespace fleet = cli::fleet;

constexpr std::uint32_t kDeliveries = 1'000;

fleet::Checked<fleet::RunFigures> run(const std::string& store,
                                      const std::filesystem::path& folder) {
  fleet::FleetOptions options{.elements = kDeliveries, .providers = 4, .store = store};
  options.arrival = {.kind = fleet::ArrivalPattern::Kind::kInFlight, .value = 64};
  const SystemClock clock;
  crypto::SystemRng rng;
  const auto roles = KB_TRY(fleet::Fleet::create(options, folder, clock, rng));
  KB_TRY(roles->make({}, [](std::uint32_t) {}));
  KB_TRY(roles->measure_alone());
  KB_TRY(roles->load({}));
  KB_TRY(roles->check());
  return roles->figures();
}

void count(benchmark::State& state,
           const std::string& before,
           const std::array<double, fleet::kPlayers>& cpu_us) {
  for (std::size_t player = 0; player < fleet::kPlayers; ++player) {
    if (cpu_us.at(player) > 0) {
      const std::string role(name(static_cast<fleet::Player>(player)));
      state.counters[before + role + "_us"] = cpu_us.at(player);
    }
  }
}

}  // namespace

void weigh_roles(benchmark::State& state,
                 const std::string& store,
                 const std::filesystem::path& folder) {
  for (auto _ : state) {
    const auto figures = run(store, folder);
    if (!figures || figures->violations > 0 || figures->confirmed != kDeliveries) {
      const std::string why =
          figures ? "not every delivery was confirmed and borne out" : figures.error().text;
      state.SkipWithError(why.c_str());
      return;
    }
    state.SetIterationTime(1 / figures->deliveries_a_second());
    state.counters["a_second"] = figures->deliveries_a_second();
    count(state, "", figures->cpu_us);
    count(state, "alone_", figures->alone.cpu_us);
  }
}

}  // namespace kagibin::bench
