// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/audit/order_census.h"

#include <fmt/format.h>

namespace kagibin::roles::key_distribution_operator {

void OrderCensus::count(const delivery::OrderRow& row) {
  ++counted_[{row.provider, row.state}];
  if (row.membership) {
    const delivery::CampaignKey campaign{.provider = row.provider, .id = row.membership->campaign};
    const auto phase = delivery::phase_of(row.state, row.membership->held);
    ++phases_[{campaign, row.membership->group, phase}].counted;
  }
}

void OrderCensus::take(const delivery::CampaignCount& kept) {
  const auto phase =
      kept.of_group.state ? delivery::name(*kept.of_group.state) : delivery::kHeldPhase;
  phases_[{kept.campaign, kept.of_group.group, phase}].kept += kept.of_group.count;
}

void OrderCensus::finish(Findings& findings) const {
  for (const auto& [key, numbers] : phases_) {
    if (numbers.counted != numbers.kept) {
      const auto& [campaign, group, phase] = key;
      findings.add(
          fmt::format("Campaign {}/{} has {} orders in group {} that are {}, and the "
                      "store counts {}.",
                      campaign.provider.hex(), campaign.id.text(), numbers.counted, group + 1,
                      phase, numbers.kept));
    }
  }
}

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
