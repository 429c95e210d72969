// SPDX-License-Identifier: Apache-2.0
// What an operator asks of a store first, at a cost that does not grow with its orders.
//
//   const StoreFigures figures = KB_TRY(snapshot->figures());
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "kagibin/delivery/order_state.h"

namespace kagibin::delivery {

// Entries without a place are counted up to here.
inline constexpr std::uint64_t kMostWithoutPlace = 10'000;

// The order that is there longest of those in a state in which somebody is waited for.
struct OldestOrder {
  State state = State::kOrdered;
  std::int64_t created_at = 0;
  friend bool operator==(const OldestOrder&, const OldestOrder&) = default;
};

struct StoreFigures {
  std::array<std::uint64_t, kStateCount> orders{};  // of all providers, by state
  std::vector<OldestOrder> oldest{};                // a state that has none is not there
  std::uint64_t entries = 0;                        // of the audit log, with a place
  std::uint64_t without_place = 0;

  std::uint64_t& in(State state) { return orders.at(std::to_underlying(state)); }
  std::uint64_t in(State state) const { return orders.at(std::to_underlying(state)); }
};

}  // namespace kagibin::delivery
