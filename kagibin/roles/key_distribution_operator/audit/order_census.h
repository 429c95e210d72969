// SPDX-License-Identifier: Apache-2.0
// The orders of a store counted anew, to be compared with the numbers that the store keeps
// (delivery/order_counts.h). A number that differs is a finding. Pure.
//
//   OrderCensus census;
//   census.count(order_row);                 // every row
//   census.compare(counts, findings);
//   census.take(campaign_count);             // every row
//   census.finish(findings);
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include "kagibin/delivery/order_store.h"
#include "kagibin/roles/key_distribution_operator/audit/order_ledger.h"

namespace kagibin::roles::key_distribution_operator {

class OrderCensus {
 public:
  void count(const delivery::OrderRow& row);
  void compare(std::span<const delivery::OrderCount> kept, Findings& findings) const;
  void take(const delivery::CampaignCount& kept);
  // After the last count of a campaign.
  void finish(Findings& findings) const;

 private:
  struct Both {
    std::uint64_t counted = 0;
    std::uint64_t kept = 0;
  };
  std::map<std::pair<Spid, delivery::State>, std::uint64_t> counted_;
  std::map<std::tuple<delivery::CampaignKey, std::uint32_t, std::string_view>, Both> phases_;
};

}  // namespace kagibin::roles::key_distribution_operator
