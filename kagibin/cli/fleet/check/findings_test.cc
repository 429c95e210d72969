// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/fleet/check/findings.h"

#include <functional>

#include <gtest/gtest.h>

namespace kagibin::cli::fleet {
namespace {

using delivery::State;

Seen confirmed() {
  return {.number = 7,
          .is_ordered = true,
          .at_provider = State::kConfirmed,
          .has_receipt = true,
          .confirmed_at_operator = 1,
          .installs = 1,
          .has_first_keys = false,
          .has_new_keys = true,
          .opens_with_new_keys = true};
}

Seen refused() {
  return {.number = 8,
          .is_ordered = true,
          .at_provider = State::kRefused,
          .has_receipt = true,
          .has_first_keys = true};
}

TEST(FindingsTest, WhatFitsTogetherIsNoViolation) {
  EXPECT_TRUE(violations(confirmed(), true).empty());
  EXPECT_TRUE(violations(refused(), true).empty());
}

TEST(FindingsTest, EveryContradictionIsFound) {
  struct Case {
    const char* invariant;
    std::function<void(Seen&)> change;
  };
  const std::vector<Case> of_confirmed = {
      {"I1", [](Seen& seen) { seen.installs = 2; }},
      {"I1", [](Seen& seen) { seen.confirmed_at_operator = 2; }},
      {"I3", [](Seen& seen) { seen.has_receipt = false; }},
      {"I4", [](Seen& seen) { seen.installs = 0; }},
      {"I4", [](Seen& seen) { seen.confirmed_at_operator = 0; }},
      {"I4", [](Seen& seen) { seen.has_new_keys = false; }},
      {"I4", [](Seen& seen) { seen.has_first_keys = true; }},
      {"I4", [](Seen& seen) { seen.opens_with_new_keys = false; }},
      {"I7", [](Seen& seen) { seen.at_provider = State::kUnknown; }},
      {"I7", [](Seen& seen) { seen.at_provider = State::kSealed; }},
      {"I7", [](Seen& seen) { seen.is_ordered = false; }},
      {"I4", [](Seen& seen) { seen.is_ordered = false; }},
  };
  for (std::size_t i = 0; i < of_confirmed.size(); ++i) {
    Seen seen = confirmed();
    of_confirmed[i].change(seen);
    bool named = false;
    for (const std::string& one : violations(seen, true)) {
      named = named || one.starts_with(std::string("order 7: ") + of_confirmed[i].invariant);
    }
    EXPECT_TRUE(named) << i;
  }
  for (const auto& change : std::vector<std::function<void(Seen&)>>{
           [](Seen& seen) { seen.installs = 1; }, [](Seen& seen) { seen.has_new_keys = true; },
           [](Seen& seen) { seen.has_first_keys = false; },
           [](Seen& seen) { seen.confirmed_at_operator = 1; }}) {
    Seen seen = refused();
    change(seen);
    EXPECT_FALSE(violations(seen, true).empty());
  }
}

TEST(FindingsTest, AnOrderThatIsStillOpenMayBeInstalledAlready) {
  Seen seen = confirmed();
  seen.at_provider = State::kSealed;
  seen.confirmed_at_operator = 0;
  EXPECT_TRUE(violations(seen, false).empty());
  seen.installs = 2;
  EXPECT_EQ(violations(seen, false).size(), 1U);
}

}  // namespace
}  // namespace kagibin::cli::fleet
