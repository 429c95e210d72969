// SPDX-License-Identifier: Apache-2.0
// A campaign's orders in numbers, and what follows from them: whether a group has settled, whether
// the campaign has to be aborted. An order has settled when it is confirmed, refused, expired or
// cancelled: unknown has not, for reading the element back resolves it. Pure.
//
//   const CampaignTally tally(terms, counts);
//   if (const std::optional<std::string> why = tally.reason_to_abort()) { ... }
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kagibin/delivery/campaign_messages.h"
#include "kagibin/delivery/campaign_rows.h"

namespace kagibin::roles::key_distribution_operator {

class CampaignTally {
 public:
  CampaignTally(const delivery::CampaignTerms& terms, std::span<const delivery::PhaseCount> counts);

  std::uint64_t orders() const;
  std::uint64_t in(delivery::State state) const;
  // Of groups that may be released now.
  std::uint64_t held() const;
  // Groups behind it are not released now.
  std::uint32_t last_group() const;
  bool has_settled() const;
  // No more may join.
  bool is_full() const;
  // In a sentence, when a rule says so.
  std::optional<std::string> reason_to_abort() const;
  const std::vector<delivery::GroupStatus>& groups() const { return groups_; }

 private:
  static bool has_settled(const delivery::GroupStatus& group);

  const delivery::CampaignTerms& terms_;
  std::vector<delivery::GroupStatus> groups_;
};

}  // namespace kagibin::roles::key_distribution_operator
