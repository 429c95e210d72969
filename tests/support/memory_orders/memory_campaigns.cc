// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "tests/support/memory_orders/memory_rows.h"

namespace kagibin::test {

using delivery::CampaignKey;
using delivery::CampaignRow;
using delivery::HistoryRow;
using delivery::OrderKey;
using delivery::OrderRow;
using delivery::PhaseCount;
using delivery::State;

Result<std::optional<CampaignRow>> MemoryCampaignRows::find_campaign(const CampaignKey& campaign) {
  const auto found = tables_.campaigns.find(campaign);
  return found == tables_.campaigns.end() ? std::nullopt : std::optional(found->second.row);
}

Result<std::optional<CampaignRow>> MemoryCampaignRows::take_campaign(const CampaignKey& campaign) {
  return find_campaign(campaign);
}

Result<void> MemoryCampaignRows::insert_campaign(const CampaignRow& row) {
  if (tables_.campaigns.contains(row.key())) {
    return fail(Errc::kConflict, "the store has a campaign of this name");
  }
  tables_.set(tables_.campaigns, row.key(),
              std::optional(StoredCampaign{.row = row, .ordinal = tables_.next("campaign")}));
  return {};
}

Result<void> MemoryCampaignRows::update_campaign(const CampaignRow& row) {
  const auto found = tables_.campaigns.find(row.key());
  if (found == tables_.campaigns.end()) {
    return fail(Errc::kNotFound, "the store has no row of this name");
  }
  StoredCampaign campaign{.row = row, .ordinal = found->second.ordinal};
  campaign.row.terms = found->second.row.terms;
  campaign.row.created_at = found->second.row.created_at;
  tables_.set(tables_.campaigns, row.key(), std::optional(std::move(campaign)));
  return {};
}

Result<std::vector<CampaignRow>> MemoryCampaignRows::list_campaigns(const Spid& provider,
                                                                    std::string_view after,
                                                                    std::uint32_t limit) {
  std::vector<CampaignRow> out;
  for (const auto& [key, campaign] : tables_.campaigns) {
    if (key.provider == provider && key.id.text() > after && out.size() < limit) {
      out.push_back(campaign.row);
    }
  }
  return out;
}

Result<std::optional<CampaignRow>> MemoryCampaignRows::take_due(std::int64_t from,
                                                                std::int64_t until) {
  const StoredCampaign* first = nullptr;
  for (const auto& [key, campaign] : tables_.campaigns) {
    const bool is_due = !delivery::is_end(campaign.row.state) && campaign.row.due >= from &&
                        campaign.row.due <= until;
    if (is_due && (first == nullptr || std::pair(campaign.row.due, campaign.ordinal) <
                                           std::pair(first->row.due, first->ordinal))) {
      first = &campaign;
    }
  }
  return first == nullptr ? std::nullopt : std::optional(first->row);
}

Result<std::uint32_t> MemoryCampaignRows::open_campaigns(const Spid& provider,
                                                         std::uint32_t limit) {
  std::uint32_t open = 0;
  for (const auto& [key, campaign] : tables_.campaigns) {
    open += key.provider == provider && !delivery::is_end(campaign.row.state) ? 1U : 0U;
  }
  return std::min(open, limit);
}

Result<std::vector<PhaseCount>> MemoryCampaignRows::phase_counts(const CampaignKey& campaign) {
  std::vector<PhaseCount> out;
  const auto& phases = tables_.indexes().phases;
  for (auto one = phases.lower_bound({.campaign = campaign, .phase = ""});
       one != phases.end() && one->first.campaign == campaign; ++one) {
    if (one->second != 0) {
      out.push_back({.group = one->first.group,
                     .state = KB_TRY(delivery::state_of_phase(one->first.phase)),
                     .count = static_cast<std::uint64_t>(one->second)});
    }
  }
  return out;
}

template <typename Wanted>
std::vector<OrderRow> MemoryCampaignRows::members(const CampaignKey& campaign,
                                                  const Wanted& wanted) const {
  std::vector<OrderRow> out;
  for (const auto& [key, order] : tables_.orders) {
    const OrderRow& row = order.row;
    if (key.provider == campaign.provider && row.membership &&
        row.membership->campaign == campaign.id && wanted(row)) {
      out.push_back(row);
    }
  }
  return out;
}

Result<std::vector<OrderRow>> MemoryCampaignRows::orders_to_release(const CampaignKey& campaign,
                                                                    std::uint32_t last_group,
                                                                    std::uint32_t limit) {
  const std::vector<OrderRow> held = members(campaign, [&](const OrderRow& row) {
    return row.membership->group <= last_group && row.membership->held && row.current_attempt > 0 &&
           (row.state == State::kOrdered || row.state == State::kSealed);
  });
  std::map<std::uint32_t, std::vector<OrderRow>> by_group;
  for (const OrderRow& row : held) {
    by_group[row.membership->group].push_back(row);
  }
  std::vector<OrderRow> out;
  for (const auto& [group, rows] : by_group) {
    const auto room = static_cast<std::ptrdiff_t>(limit - out.size());
    out.insert(out.end(), rows.begin(), rows.begin() + std::min(room, std::ssize(rows)));
  }
  return out;
}

Result<std::vector<OrderRow>> MemoryCampaignRows::orders_to_cancel(const CampaignKey& campaign,
                                                                   std::uint32_t limit) {
  std::vector<OrderRow> out = members(campaign, [](const OrderRow& row) {
    return !row.membership->touched &&
           (row.state == State::kOrdered || row.state == State::kEnrolled ||
            row.state == State::kSealed);
  });
  out.erase(out.begin() + std::min<std::ptrdiff_t>(limit, std::ssize(out)), out.end());
  return out;
}

Result<void> MemoryCampaignRows::append_history(const OrderKey& order, const HistoryRow& row) {
  const auto behind =
      tables_.histories.upper_bound({order, std::numeric_limits<std::uint64_t>::max()});
  const bool has_some =
      behind != tables_.histories.begin() && std::prev(behind)->first.first == order;
  HistoryRow history = row;
  history.ordinal = has_some ? std::prev(behind)->first.second + 1 : 1;
  tables_.set(tables_.histories, {order, history.ordinal}, std::optional(history));
  return {};
}

Result<std::vector<HistoryRow>> MemoryCampaignRows::history_of(const OrderKey& order,
                                                               std::uint64_t after,
                                                               std::uint32_t limit) {
  std::vector<HistoryRow> out;
  for (auto one = tables_.histories.upper_bound({order, after});
       one != tables_.histories.end() && one->first.first == order && out.size() < limit; ++one) {
    out.push_back(one->second);
  }
  return out;
}

}  // namespace kagibin::test
