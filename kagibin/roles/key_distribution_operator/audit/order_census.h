// SPDX-License-Identifier: Apache-2.0
// The orders of a store counted anew, to be compared with the numbers that the store keeps
// (delivery/order_counts.h). A number that differs is a finding. Pure.
//
//   OrderCensus census;
//   census.count(order_row);                 // every row
//   census.compare(counts, findings);
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>

#include "kagibin/delivery/order_store.h"
#include "kagibin/roles/key_distribution_operator/audit/order_ledger.h"

namespace kagibin::roles::key_distribution_operator {

class OrderCensus {
 public:
  void count(const delivery::OrderRow& row) { ++counted_[{row.provider, row.state}]; }
  void compare(std::span<const delivery::OrderCount> kept, Findings& findings) const;

 private:
  std::map<std::pair<Spid, delivery::State>, std::uint64_t> counted_;
};

}  // namespace kagibin::roles::key_distribution_operator
