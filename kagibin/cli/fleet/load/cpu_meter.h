// SPDX-License-Identifier: Apache-2.0
// CPU time by player, in one process where every thread plays several: a thread says who it is, and
// the time until it says so no more is that player's. An inner player's time is not the outer's.
//
// By the thread's CPU clock, so that waiting and other programs cost nothing. Thread-safety: any
// threads.
//
//   CpuMeter meter;
//   { const CpuScope scope(meter, Player::kElement); element.transmit(command); }
//   meter.nanoseconds(Player::kElement);
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kagibin::cli::fleet {

enum class Player : std::uint8_t { kProvider, kDistributor, kDevice, kElement, kDatabase };
inline constexpr std::size_t kPlayers = 5;
std::string_view name(Player player);

// Of the calling thread.
std::int64_t thread_cpu_nanoseconds();
// Of all threads of this process.
std::int64_t process_cpu_nanoseconds();

// Nanoseconds by player.
using CpuTimes = std::array<std::int64_t, kPlayers>;
CpuTimes operator-(const CpuTimes& left, const CpuTimes& right);

class CpuMeter {
 public:
  void add(Player player, std::int64_t nanoseconds) {
    times_.at(static_cast<std::size_t>(player)).fetch_add(nanoseconds, std::memory_order_relaxed);
  }
  // What ended; a scope that is open counts at its end.
  CpuTimes times() const;

 private:
  std::array<std::atomic<std::int64_t>, kPlayers> times_{};
};

class CpuScope {
 public:
  CpuScope(CpuMeter& meter, Player player);
  CpuScope(const CpuScope&) = delete;
  CpuScope& operator=(const CpuScope&) = delete;
  ~CpuScope();

 private:
  CpuMeter& meter_;
  Player player_;
  CpuScope* outer_;
  std::int64_t since_;
};

}  // namespace kagibin::cli::fleet
