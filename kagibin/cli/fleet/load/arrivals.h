// SPDX-License-Identifier: Apache-2.0
// When orders come: all at the start, evenly, at random times of a mean rate (exponential gaps from
// one seed), or one whenever one has ended.
//
// Pure. An order's latency counts from the moment that it was due, be the provider busy or not.
//
//   const ArrivalPattern pattern = KB_TRY(ArrivalPattern::parse("poisson:200"));
//   Arrivals arrivals(pattern, seed);
//   const double seconds = arrivals.next();                       // after the start
#pragma once

#include <cstdint>
#include <string_view>

#include "kagibin/cli/fleet/load/dice.h"
#include "kagibin/cli/fleet/load/failure_mix.h"

namespace kagibin::cli::fleet {

struct ArrivalPattern {
  enum class Kind : std::uint8_t { kBurst, kRate, kPoisson, kInFlight };
  Kind kind = Kind::kBurst;
  double value = 0;  // a second; or orders in flight

  // "burst", "rate:R", "poisson:R", "in-flight:N". kValue.
  static Checked<ArrivalPattern> parse(std::string_view text);
};

class Arrivals {
 public:
  Arrivals(const ArrivalPattern& pattern, std::uint64_t seed)
      : pattern_(pattern), dice_(seed, 0xA11) {}
  // Seconds after the start, never falling; 0 where the pattern says no time.
  double next();

 private:
  ArrivalPattern pattern_;
  Dice dice_;
  double last_ = 0;
};

}  // namespace kagibin::cli::fleet
