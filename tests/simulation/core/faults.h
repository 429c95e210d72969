// SPDX-License-Identifier: Apache-2.0
// What goes wrong in a world: which faults its seed chose, how often each is to happen, and how
// often it did. And the world's trace, of which the digest is the same whenever the seed is.
//
// Of each seed some kinds of faults are off altogether, so that every combination is met (swarm
// testing). Thread-safety: one thread.
//
//   Faults faults(dice);
//   if (faults.hits(Fault::kRequestLost)) { ... }
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "kagibin/cli/fleet/load/dice.h"

namespace kagibin::simulation {

using cli::fleet::Dice;

enum class Fault : std::uint8_t {
  kRequestLost,
  kAnswerLost,
  kTwice,     // a request arrives once more, later
  kDelayed,   // a request or an answer, by up to minutes: overtaken by others
  kCut,       // a message ends too early
  kHalfOpen,  // handled, and the connection says nothing ever after
  kDistributorKilled,
  kProviderKilled,
  kAgentKilled,
  kPowerCut,
  kApduLost,      // a C-APDU or its answer
  kStoreFull,     // kNoSpace, nothing changed
  kStoreFailed,   // kIo or kStore, nothing changed
  kCommitUnsaid,  // kInterrupted: before the commit, or after it was durable
  kClock,         // jumps, goes back to 1970, stands still
};
inline constexpr std::size_t kFaults = 15;
std::string_view name(Fault fault);

using FaultCounts = std::array<std::uint64_t, kFaults>;

class Faults {
 public:
  explicit Faults(Dice dice);
  // No fault happens any more.
  void stop() { on_ = false; }
  void start() { on_ = true; }
  bool are_on() const { return on_; }
  bool hits(Fault fault);
  // The same for one that is counted when it comes.
  bool plans(Fault fault) { return on_ && dice_.hits(rates_.at(static_cast<std::size_t>(fault))); }
  void set_rate(Fault fault, double rate) { rates_.at(static_cast<std::size_t>(fault)) = rate; }
  double rate(Fault fault) const { return rates_.at(static_cast<std::size_t>(fault)); }
  // One that happened without being asked for here.
  void count(Fault fault) { ++counts_.at(static_cast<std::size_t>(fault)); }
  const FaultCounts& counts() const { return counts_; }
  Dice& dice() { return dice_; }

 private:
  Dice dice_;
  std::array<double, kFaults> rates_{};
  FaultCounts counts_{};
  bool on_ = false;
};

class Trace {
 public:
  // Prints every line to standard error, too.
  explicit Trace(bool is_told = false) : is_told_(is_told) {}
  void add(std::int64_t moment, std::string_view who, std::string_view what, std::uint64_t octets);
  std::uint64_t digest() const { return digest_; }
  std::uint64_t lines() const { return lines_; }

 private:
  void take(std::string_view text);
  bool is_told_;
  std::uint64_t digest_ = 0xCBF29CE484222325U;  // FNV-1a
  std::uint64_t lines_ = 0;
};

// FNV-1a, to tell messages apart in a trace.
std::uint64_t fingerprint(std::string_view text);

}  // namespace kagibin::simulation
