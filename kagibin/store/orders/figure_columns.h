// SPDX-License-Identifier: Apache-2.0
// The figures of a store as queries and rows; for both databases.
#pragma once

#include "kagibin/base/result.h"
#include "kagibin/delivery/order_counts.h"
#include "kagibin/delivery/store_figures.h"
#include "kagibin/store/row.h"

// The predicate is that of the index orders_that_wait.
#define KB_OLDEST_IN(state)                                                               \
  "SELECT '" state                                                                        \
  "', min(created_at) FROM orders WHERE (state = 'enrolled' OR state = 'handed_over' OR " \
  "state = 'reported' OR state = 'unknown' OR (held = 0 AND (state = 'ordered' OR state " \
  "= 'sealed'))) AND state = '" state "'"
#define KB_OLDEST_ORDERS  \
  KB_OLDEST_IN("ordered") \
  " UNION ALL " KB_OLDEST_IN("enrolled") " UNION ALL " KB_OLDEST_IN("sealed")    \
  " UNION ALL " KB_OLDEST_IN("handed_over") " UNION ALL " KB_OLDEST_IN("reported") \
  " UNION ALL " KB_OLDEST_IN("unknown")

namespace kagibin::store {

inline void add_counts(const std::vector<delivery::OrderCount>& counts,
                       delivery::StoreFigures& figures) {
  for (const delivery::OrderCount& one : counts) {
    figures.in(one.state) += one.count;
  }
}

// A row of KB_OLDEST_ORDERS.
inline Result<void> add_oldest(const Row& row, delivery::StoreFigures& figures) {
  if (!row.is_null(1)) {
    const delivery::State state = KB_TRY(delivery::state_by_name(row.text(0)));
    figures.oldest.push_back({.state = state, .created_at = row.integer(1)});
  }
  return {};
}

}  // namespace kagibin::store
