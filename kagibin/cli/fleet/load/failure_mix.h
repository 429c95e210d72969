// SPDX-License-Identifier: Apache-2.0
// Which failures a load is mixed with, and how often each: probabilities from 0 to 1.
//
//   lost-request   a request that never arrives           each request of a device or a provider
//   lost-answer    a request that is answered into the void   each request
//   twice          a request that arrives twice           each request
//   power-cut      the element loses power before, within or after one of its writes   each visit
//   agent-killed   the agent ends between two of its steps, as by kill -9              each visit
//
//   const FailureMix mix = KB_TRY(FailureMix::parse("lost-answer=0.01,power-cut=0.02"));
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "kagibin/roles/service_provider/problem.h"

namespace kagibin::cli::fleet {

using roles::service_provider::Checked;
using roles::service_provider::problem;

enum class Failure : std::uint8_t { kLostRequest, kLostAnswer, kTwice, kPowerCut, kAgentKilled };
inline constexpr std::size_t kFailureKinds = 5;
std::string_view name(Failure failure);

struct FailureMix {
  std::array<double, kFailureKinds> probability{};

  // "" is none; kValue with the names that there are.
  static Checked<FailureMix> parse(std::string_view text);
  double of(Failure failure) const { return probability.at(static_cast<std::size_t>(failure)); }
};

}  // namespace kagibin::cli::fleet
