// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/audit/order_census.h"

#include <fmt/format.h>

namespace kagibin::roles::key_distribution_operator {

void OrderCensus::compare(std::span<const delivery::OrderCount> kept, Findings& findings) const {
  std::map<std::pair<Spid, delivery::State>, std::pair<std::uint64_t, std::uint64_t>> both;
  for (const auto& [key, number] : counted_) {
    both[key].first = number;
  }
  for (const delivery::OrderCount& row : kept) {
    both[{row.provider, row.state}].second += row.count;
  }
  for (const auto& [key, numbers] : both) {
    if (numbers.first != numbers.second) {
      findings.add(fmt::format("Provider {} has {} orders that are {}, and the store counts {}.",
                               key.first.hex(), numbers.first, delivery::name(key.second),
                               numbers.second));
    }
  }
}

}  // namespace kagibin::roles::key_distribution_operator
