// SPDX-License-Identifier: Apache-2.0
// What a run came to, for its report in three forms. Values; times in seconds, CPU in microseconds.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kagibin/cli/fleet/fleet_options.h"
#include "kagibin/cli/fleet/load/cpu_meter.h"

namespace kagibin::cli::fleet {

// What one delivery costs when nothing else runs, measured in the same run.
struct UnitCosts {
  std::uint32_t deliveries = 0;
  std::array<double, kPlayers> cpu_us{};  // by player, without a network
  double requests = 0;                    // of a delivery, devices and provider
  double handshake_us = 0;                // TLS 1.3 with two certificates, both ends; 0 without TLS
  double request_us = 0;                  // over a connection that is kept, both ends

  double provider_seconds = 0;  // by the clock: one provider's part, which is serial

  // CPU of one delivery: the players, one handshake, its requests.
  double delivery_us() const;
};

struct RunFigures {
  FleetOptions options{};
  std::string store_name{};  // "SQLite", "PostgreSQL"
  unsigned processors = 1;
  bool interrupted = false;

  double making_seconds = 0;
  std::uint64_t element_octets = 0;  // each, resting, after its delivery
  double load_seconds = 0;
  double check_seconds = 0;

  std::uint32_t ordered = 0;
  std::vector<std::pair<std::string, std::uint32_t>> by_state{};
  std::uint32_t confirmed = 0;
  std::uint32_t by_receipt = 0;  // of them, by a receipt of the element
  std::uint32_t read_back = 0;   // elements
  std::uint32_t further_attempts = 0;
  std::vector<std::pair<std::string, std::uint64_t>> failures{};  // brought about
  std::uint64_t requests = 0;
  std::uint64_t visits = 0;
  std::uint64_t apdus = 0;

  std::vector<double> latencies{};  // of confirmed orders, rising
  std::vector<double> verdicts{};   // when each came, rising

  UnitCosts alone{};
  std::array<double, kPlayers> cpu_us{};  // a delivery, under load
  double busy_processors = 0;  // this process's CPU time by the clock on the wall, under load

  std::uint64_t troubles = 0;
  std::vector<std::string> first_troubles{};
  std::uint64_t violations = 0;
  std::vector<std::string> first_violations{};

  double deliveries_a_second() const;
  // What the processors could do if they did nothing but deliveries at their unit cost.
  double ceiling() const;
  double share_of_ceiling() const;
  // The unit cost by the cost under load: the same where the machine is shared with others.
  double economy() const;
  // What so many providers' loops can do, each with its journal, one delivery after another.
  double providers_bound() const;
};

}  // namespace kagibin::cli::fleet
