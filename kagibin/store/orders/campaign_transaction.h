// SPDX-License-Identifier: Apache-2.0
// The part of a transaction that is about campaigns and histories, on SQLite. For
// order_transaction.h. One process at a time writes: nothing is locked, nothing passed over.
#pragma once

#include "kagibin/delivery/campaign_rows.h"
#include "kagibin/delivery/order_store.h"
#include "kagibin/store/database.h"

namespace kagibin::store {

class SqliteCampaignRows final : public delivery::CampaignRows {
 public:
  explicit SqliteCampaignRows(Database& db) : db_(db) {}

  Result<std::optional<delivery::CampaignRow>> find_campaign(
      const delivery::CampaignKey& campaign) override;
  Result<std::optional<delivery::CampaignRow>> take_campaign(
      const delivery::CampaignKey& campaign) override;
  Result<void> insert_campaign(const delivery::CampaignRow& row) override;
  Result<void> update_campaign(const delivery::CampaignRow& row) override;
  Result<std::vector<delivery::CampaignRow>> list_campaigns(const Spid& provider,
                                                            std::string_view after,
                                                            std::uint32_t limit) override;
  Result<std::optional<delivery::CampaignRow>> take_due(std::int64_t from,
                                                        std::int64_t until) override;
  Result<std::uint32_t> open_campaigns(const Spid& provider, std::uint32_t limit) override;
  Result<std::vector<delivery::PhaseCount>> phase_counts(
      const delivery::CampaignKey& campaign) override;
  Result<std::vector<delivery::OrderRow>> orders_to_release(const delivery::CampaignKey& campaign,
                                                            std::uint32_t last_group,
                                                            std::uint32_t limit) override;
  Result<std::vector<delivery::OrderRow>> orders_to_cancel(const delivery::CampaignKey& campaign,
                                                           std::uint32_t limit) override;
  Result<void> append_history(const delivery::OrderKey& order,
                              const delivery::HistoryRow& row) override;
  Result<std::vector<delivery::HistoryRow>> history_of(const delivery::OrderKey& order,
                                                       std::uint64_t after,
                                                       std::uint32_t limit) override;

 private:
  Result<Query> query(std::string_view sql);
  Database& db_;
};

}  // namespace kagibin::store
