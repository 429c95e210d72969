// SPDX-License-Identifier: Apache-2.0
// Decisions of a simulated world from one seed: who fails when, and when the next order comes. Not
// for keys: what is random in the protocol comes from crypto/rng.h.
//
// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators). Streams of one
// seed are apart: one a device, so that its failures do not depend on the order of threads.
// Thread-safety: one thread.
//
//   Dice dice(options.seed, device_number);
//   if (dice.hits(0.01)) { ... }
#pragma once

#include <cstdint>

namespace kagibin::cli::fleet {

class Dice {
 public:
  explicit Dice(std::uint64_t seed, std::uint64_t stream = 0)
      : state_(seed ^ (stream * 0xD1342543DE82EF95U + 0x632BE59BD9B4E019U)) {}

  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }
  // Evenly in [0, 1).
  double unit() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
  bool hits(double probability) { return probability > 0 && unit() < probability; }
  // Evenly in [0, bound); the bound is small against 2^64.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

}  // namespace kagibin::cli::fleet
