// SPDX-License-Identifier: Apache-2.0
// A run of many virtual elements and agents against one distributor, in one process: made, measured
// alone, loaded, checked.
//
// Whatever carries the load is the code that carries it in the field: agent, provider's client and
// flow with its journal, distributor, store, HTTP and TLS, element. Ownership: refers to clock,
// randomness and stop token's source. Thread-safety: one thread; progress() from any.
//
//   auto fleet = KB_TRY(Fleet::create(options, folder, clock, rng));
//   KB_TRY(fleet->make(stop, tell));
//   KB_TRY(fleet->measure_alone());
//   KB_TRY(fleet->load(stop));
//   KB_TRY(fleet->check());
//   const RunFigures figures = fleet->figures();
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "kagibin/cli/fleet/check/findings.h"
#include "kagibin/cli/fleet/fleet_options.h"
#include "kagibin/cli/fleet/load/database_cpu.h"
#include "kagibin/cli/fleet/players/fleet_provider.h"
#include "kagibin/cli/fleet/players/visitor.h"
#include "kagibin/cli/fleet/report/run_figures.h"

namespace kagibin::cli::fleet {

class Fleet {
 public:
  static Checked<std::unique_ptr<Fleet>> create(const FleetOptions& options,
                                                const std::filesystem::path& folder,
                                                const Clock& clock,
                                                crypto::Rng& rng);
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;
  ~Fleet();

  // Elements with their devices, known to their providers. kInterrupted when it was stopped.
  Checked<void> make(const std::stop_token& stop,
                     const std::function<void(std::uint32_t made)>& progress);
  Checked<void> measure_alone();
  // Until every order has ended, nothing has come for options.patience, or `stop`.
  Checked<void> load(const std::stop_token& stop);
  // Every order and every element. With `interrupted` orders may be open.
  Checked<void> check();

  struct Progress {
    OrderBoard::Count orders;
    double seconds = 0;
    std::uint64_t failures = 0;
  };
  Progress progress() const;
  const OrderBoard& board() const { return board_; }
  const FleetOptions& options() const { return options_; }
  RunFigures figures() const;

  // For tests of the checks: what a device is, between load() and check().
  VirtualDevice& device(std::uint32_t number) { return *devices_.at(number); }
  Checked<FleetProvider::Evidence> evidence_of(std::uint32_t number) {
    return provider_of(device(number)).evidence(device(number));
  }
  Silicon silicon() {
    return {.modules = founders_->modules(), .clock = clock_, .rng = rng_, .meter = meter_};
  }

 private:
  Fleet(const FleetOptions& options,
        const std::filesystem::path& folder,
        const Clock& clock,
        crypto::Rng& rng);
  Checked<void> found();
  Checked<void> make_some(std::uint32_t first, std::uint32_t count);
  Checked<void> measure_transport();
  Checked<void> check_some(std::uint32_t worker,
                           const std::vector<std::vector<FleetProvider::Listed>>& listed);
  void sweep(const std::stop_token& stop);
  CpuTimes cpu_times();
  std::int64_t all_cpu();
  std::uint32_t all_devices() const { return options_.elements + options_.alone; }
  FleetProvider& provider_of(const VirtualDevice& device) {
    return *providers_.at(device.provider);
  }

  FleetOptions options_;
  std::filesystem::path folder_;
  const Clock& clock_;
  crypto::Rng& rng_;
  std::string run_;  // in the names of its devices: a shared store may know those of other runs
  CpuMeter meter_;
  NetworkConditions conditions_;
  OrderBoard board_;
  std::unique_ptr<Founders> founders_;
  std::unique_ptr<DistributorSite> site_;
  std::optional<DatabaseCpu> database_;
  std::vector<std::unique_ptr<FleetProvider>> providers_;
  std::vector<std::unique_ptr<VirtualDevice>> devices_;
  std::unique_ptr<VisitQueue> queue_;
  std::atomic<std::uint64_t> visits_{0};
  std::atomic<std::uint64_t> apdus_{0};
  Stopwatch watch_;
  RunFigures figures_;
  std::mutex findings_;  // guards figures_ while elements are checked
};

}  // namespace kagibin::cli::fleet
