// SPDX-License-Identifier: Apache-2.0
// What a run of the fleet is to be. Values.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "kagibin/cli/fleet/load/arrivals.h"
#include "kagibin/cli/fleet/load/failure_mix.h"

namespace kagibin::cli::fleet {

struct FleetOptions {
  static constexpr std::uint32_t kMostElements = 1'000'000;

  std::uint32_t elements = 1'000;
  std::uint32_t providers = 1;
  std::uint32_t devices_at_once = 32;
  bool over_tls = true;          // else a simulated network
  bool by_certificates = false;  // RL2, else RL1
  std::string store{};           // postgresql://..., or empty: SQLite in the run's folder
  ArrivalPattern arrival{};
  FailureMix failures{};
  std::chrono::milliseconds latency{0};
  std::uint64_t seed = 1;
  // Deliveries one at a time, before the load, for the unit costs.
  std::uint32_t alone = 50;
  // Without anything new at a provider for so long, the run is given up.
  std::chrono::seconds patience{60};
};

}  // namespace kagibin::cli::fleet
