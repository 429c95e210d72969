// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/fleet/load/failure_mix.h"

#include <algorithm>
#include <charconv>
#include <string>

#include <fmt/format.h>

namespace kagibin::cli::fleet {
namespace {

constexpr std::array<std::string_view, kFailureKinds> kNames = {
    "lost-request", "lost-answer", "twice", "power-cut", "agent-killed"};

}  // namespace

std::string_view name(Failure failure) { return kNames.at(static_cast<std::size_t>(failure)); }

Checked<FailureMix> FailureMix::parse(std::string_view text) {
  FailureMix out;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    const std::size_t equals = one.find('=');
    const auto* const found = std::ranges::find(kNames, one.substr(0, equals));
    if (equals == std::string_view::npos || found == kNames.end()) {
      return problem(Errc::kValue,
                     fmt::format("\"{}\" is no failure with its probability; there are {}, each as "
                                 "NAME=0.01.",
                                 one, fmt::join(kNames, ", ")));
    }
    const std::string_view number = one.substr(equals + 1);
    double value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (error != std::errc() || end != number.data() + number.size() || !(value >= 0) ||
        value > 1) {
      return problem(Errc::kValue, fmt::format("\"{}\" is no probability from 0 to 1.", number));
    }
    out.probability.at(static_cast<std::size_t>(found - kNames.begin())) = value;
  }
  return out;
}

}  // namespace kagibin::cli::fleet
