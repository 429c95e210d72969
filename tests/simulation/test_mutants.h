// SPDX-License-Identifier: Apache-2.0
// For the tests of both modes: roles that break a promise, and that each is found within few seeds.
// Included once by each of the two programs.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/simulation/mutants.h"
#include "tests/simulation/world.h"

namespace kagibin::simulation {

struct Broken {
  Mutant mutant;
  std::vector<std::string> invariants;  // one of which it breaks
};

inline std::string name_of_mutant(const testing::TestParamInfo<Broken>& info) {
  constexpr std::array<std::string_view, kMutants> kNames = {
      "None",        "AnswersBeforeCommit", "LosesReceipts",  "LogsTwice",
      "ForgetsJobs", "MovesCursorFirst",    "ForgetsInstalls"};
  return std::string(kNames.at(static_cast<std::size_t>(info.param.mutant)));
}

inline const std::vector<Broken>& broken_roles() {
  static const std::vector<Broken> all = {
      {Mutant::kAnswersBeforeCommit, {"I2"}}, {Mutant::kLosesReceipts, {"I2", "I6"}},
      {Mutant::kLogsTwice, {"I6"}},           {Mutant::kForgetsJobs, {"I2"}},
      {Mutant::kMovesCursorFirst, {"I3"}},    {Mutant::kForgetsInstalls, {"I1", "I4"}}};
  return all;
}

// The first sentence that names a promise which the role breaks; empty: nobody saw it.
inline std::string found_within_few_seeds(const Broken& broken) {
  constexpr std::uint64_t kFew = 40;
  for (std::uint64_t seed = 1; seed <= kFew; ++seed) {
    for (const std::string& sentence :
         run_world({.seed = seed, .mutant = broken.mutant}).violations) {
      const auto starts = [&](const std::string& name) { return sentence.starts_with(name + " "); };
      if (std::ranges::any_of(broken.invariants, starts)) {
        return sentence;
      }
    }
  }
  return {};
}

}  // namespace kagibin::simulation
