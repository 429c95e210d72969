// SPDX-License-Identifier: Apache-2.0
// How many orders a service provider has in a state. The store keeps these numbers in the
// transaction that changes an order, so that asking costs the same whatever the backlog is.
//
//   for (const OrderCount& one : KB_TRY(transaction.order_counts(spid))) { ... }
#pragma once

#include <cstdint>

#include "kagibin/base/aid.h"
#include "kagibin/delivery/order_state.h"

namespace kagibin::delivery {

struct OrderCount {
  Spid provider{};
  State state = State::kOrdered;
  std::uint64_t count = 0;
  friend bool operator==(const OrderCount&, const OrderCount&) = default;
};

}  // namespace kagibin::delivery
