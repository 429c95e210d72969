// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/campaigns/campaign_tally.h"

#include <algorithm>

#include <fmt/format.h>

namespace kagibin::roles::key_distribution_operator {

using delivery::CampaignTerms;
using delivery::GroupStatus;
using delivery::State;

CampaignTally::CampaignTally(const CampaignTerms& terms,
                             std::span<const delivery::PhaseCount> counts)
    : terms_(terms) {
  groups_.reserve(terms.groups.size());
  for (const delivery::CampaignGroup& group : terms.groups) {
    groups_.push_back({.name = group.name});
  }
  for (const delivery::PhaseCount& row : counts) {
    if (row.group >= groups_.size() || row.count == 0) {
      continue;
    }
    if (row.state) {
      groups_[row.group].orders[*row.state] += row.count;
    } else {
      groups_[row.group].held += row.count;
    }
  }
}

std::uint64_t CampaignTally::orders() const {
  std::uint64_t sum = 0;
  for (const GroupStatus& group : groups_) {
    sum += group.held;
    for (const auto& [state, count] : group.orders) {
      sum += count;
    }
  }
  return sum;
}

std::uint64_t CampaignTally::in(State state) const {
  std::uint64_t sum = 0;
  for (const GroupStatus& group : groups_) {
    const auto found = group.orders.find(state);
    sum += found == group.orders.end() ? 0 : found->second;
  }
  return sum;
}

bool CampaignTally::has_settled(const GroupStatus& group) {
  return group.held == 0 && std::ranges::all_of(group.orders, [](const auto& count) {
           return count.first == State::kConfirmed || count.first == State::kRefused ||
                  count.first == State::kExpired || count.first == State::kCancelled;
         });
}

bool CampaignTally::has_settled() const {
  return std::ranges::all_of(groups_, [](const GroupStatus& group) { return has_settled(group); });
}

std::uint32_t CampaignTally::last_group() const {
  const auto last = static_cast<std::uint32_t>(groups_.size() - 1);
  if (!terms_.wait_for_group) {
    return last;
  }
  // While orders are still to come, a group without any has not had its turn.
  const bool more_come = terms_.orders && !is_full();
  for (std::uint32_t group = 0; group < last; ++group) {
    const bool is_empty = groups_[group].held == 0 && groups_[group].orders.empty();
    if (!has_settled(groups_[group]) || (is_empty && more_come)) {
      return group;
    }
  }
  return last;
}

std::uint64_t CampaignTally::held() const {
  std::uint64_t sum = 0;
  for (std::uint32_t group = 0; group <= last_group(); ++group) {
    sum += groups_[group].held;
  }
  return sum;
}

bool CampaignTally::is_full() const { return terms_.orders && orders() >= *terms_.orders; }

std::optional<std::string> CampaignTally::reason_to_abort() const {
  const std::uint64_t verdicts = in(State::kConfirmed) + in(State::kRefused) + in(State::kUnknown);
  for (const delivery::AbortRule& rule : terms_.abort) {
    const std::uint64_t failed = in(rule.on);
    const std::uint64_t judged = verdicts + (rule.on == State::kExpired ? failed : 0);
    if (judged >= rule.after && failed * 100 >= std::uint64_t{rule.percent} * judged) {
      return fmt::format("{} of {} orders are {}; the limit is {} percent after {}", failed, judged,
                         delivery::name(rule.on), rule.percent, rule.after);
    }
  }
  return std::nullopt;
}

}  // namespace kagibin::roles::key_distribution_operator
