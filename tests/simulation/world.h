// SPDX-License-Identifier: Apache-2.0
// A whole deployment with its bad days, from one seed: service providers, one or two distributors
// on one store, devices with their agents and elements, and the network between them, in one thread
// and in virtual time. Faults happen for a while, then nothing more goes wrong, the world comes to
// rest, and the invariants are looked at.
//
// The same options give the same world: every message, every fault, the same digest of its trace.
// doc/simulation.md says what is real here and what is not. Thread-safety: one thread a world.
//
//   const WorldReport report = run_world({.seed = 7});
//   for (const std::string& sentence : report.violations) { ... }
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simulation/core/faults.h"
#include "tests/simulation/core/virtual_time.h"
#include "tests/simulation/mutants.h"
#include "tests/simulation/roles/stores.h"

namespace kagibin::simulation {

// What a test may do to a world that is about to begin.
struct WorldHands {
  VirtualTime& time;
  Faults& faults;
  std::filesystem::path folder;  // with every file; nobody has one open
  std::function<void()> kill_everybody;
};

struct WorldOptions {
  std::uint64_t seed = 0;
  bool is_told = false;  // every message on standard error
  bool has_faults = true;
  bool is_small = false;    // one provider, one distributor, one device, one order
  bool is_large = false;    // up to two providers with 48 devices of 12 orders each
  bool is_on_disk = false;  // SQLite's files where the system has them, not in memory
  Stores::Kind stores = Stores::Kind::kSqlite;
  std::function<void(WorldHands&)> before_it_begins{};
  Mutant mutant = Mutant::kNone;
};

struct WorldReport {
  std::uint64_t digest = 0;  // of the trace
  std::uint64_t trace_lines = 0;
  std::uint64_t orders = 0;
  std::uint64_t confirmed = 0;  // deliveries: orders with the provider's verdict that they arrived
  std::uint64_t unknown = 0;    // orders that ended so
  std::uint64_t otherwise = 0;  // refused, cancelled, expired
  std::uint64_t campaigns = 0;
  std::uint64_t requests = 0;
  std::uint64_t apdus = 0;
  double virtual_seconds = 0;
  FaultCounts faults{};
  std::vector<std::string> violations{};
};

WorldReport run_world(const WorldOptions& options);

}  // namespace kagibin::simulation
