// SPDX-License-Identifier: Apache-2.0
// Campaigns, their counts and the history of orders as rows: their columns, read from a query. The
// columns are those of postgres/ as well.
#pragma once

#include "kagibin/base/result.h"
#include "kagibin/delivery/campaign_rows.h"
#include "kagibin/store/row.h"

// For literals of SQL: statements are kept by their literal.
#define KB_CAMPAIGN_COLUMNS                                                                   \
  "id, provider, terms, created_at, state, reason, changed_at, released, credit, credit_at, " \
  "settled_at, due, changed_by, paused_by"
#define KB_CAMPAIGN_COUNT_COLUMNS "provider, campaign, grp, phase, count"
#define KB_HISTORY_COLUMNS "ordinal, time, event, attempt, state, order_state, revision"
#define KB_OPEN_CAMPAIGNS "('running', 'paused', 'cancelling', 'aborting', 'expiring')"

namespace kagibin::store {

inline Result<delivery::CampaignRow> read_campaign(const Row& row) {
  const auto id = KB_TRY(delivery::CampaignId::from(row.text(0)));
  delivery::CampaignRow campaign{.id = id, .provider = {}};
  campaign.provider = KB_TRY(Spid::from(row.octets(1)));
  campaign.terms = row.text(2);
  campaign.created_at = row.integer(3);
  campaign.state = KB_TRY(delivery::campaign_state_by_name(row.text(4)));
  campaign.reason = row.text(5);
  campaign.changed_at = row.integer(6);
  campaign.released = static_cast<std::uint64_t>(row.integer(7));
  campaign.credit = row.integer(8);
  campaign.credit_at = row.integer(9);
  campaign.settled_at = row.integer(10);
  campaign.due = row.integer(11);
  if (const std::string_view by = row.text(12); !by.empty()) {
    campaign.changed_by = KB_TRY(delivery::campaign_actor_by_name(by));
  }
  campaign.paused_by = {.provider = (row.integer(13) & 1) != 0,
                        .operated = (row.integer(13) & 2) != 0};
  return campaign;
}

// Of the column changed_by.
inline std::string_view actor_text(const delivery::CampaignRow& row) {
  return row.changed_by ? delivery::name(*row.changed_by) : std::string_view();
}

// Of the column paused_by.
inline std::int64_t pausers_number(const delivery::CampaignRow& row) {
  return (row.paused_by.provider ? 1 : 0) + (row.paused_by.operated ? 2 : 0);
}

inline Result<delivery::CampaignCount> read_campaign_count(const Row& row) {
  const Spid provider = KB_TRY(Spid::from(row.octets(0)));
  const auto id = KB_TRY(delivery::CampaignId::from(row.text(1)));
  const std::optional<delivery::State> state = KB_TRY(delivery::state_of_phase(row.text(3)));
  return delivery::CampaignCount{.campaign = {.provider = provider, .id = id},
                                 .of_group = {.group = static_cast<std::uint32_t>(row.integer(2)),
                                              .state = state,
                                              .count = static_cast<std::uint64_t>(row.integer(4))}};
}

inline Result<delivery::HistoryRow> read_history(const Row& row) {
  delivery::HistoryRow history;
  history.ordinal = static_cast<std::uint64_t>(row.integer(0));
  history.time = row.integer(1);
  history.event = row.text(2);
  history.attempt = static_cast<delivery::AttemptNumber>(row.integer(3));
  history.state = KB_TRY(delivery::state_by_name(row.text(4)));
  history.order_state = KB_TRY(delivery::state_by_name(row.text(5)));
  history.revision = static_cast<std::uint32_t>(row.integer(6));
  return history;
}

}  // namespace kagibin::store
