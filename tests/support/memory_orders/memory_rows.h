// SPDX-License-Identifier: Apache-2.0
// The audit log, tenants, kept answers and campaigns of one transaction, in memory. For
// memory_order_store.cc; the ports say what each call does.
//
// Ownership: refer to the tables.
#pragma once

#include "kagibin/delivery/order_store.h"

#include "tests/support/memory_orders/order_tables.h"

namespace kagibin::test {

class MemoryAuditRows final : public delivery::AuditRows {
 public:
  explicit MemoryAuditRows(OrderTables& tables) : tables_(tables) {}
  Result<void> append(ByteView entry) override;
  Result<std::vector<Bytes>> without_place(std::uint32_t limit) override;
  Result<std::optional<delivery::AuditHead>> take_head() override;
  Result<std::vector<delivery::AuditTile>> tiles(
      std::span<const delivery::AuditTileName> names) override;
  Result<void> extend(const delivery::AuditHead& head,
                      std::span<const delivery::AuditTile> tiles) override;

 private:
  OrderTables& tables_;
};

class MemoryTenantRows final : public delivery::TenantRows {
 public:
  explicit MemoryTenantRows(OrderTables& tables) : tables_(tables) {}
  Result<std::optional<delivery::TenantRow>> find_tenant(const Spid& provider,
                                                         std::int64_t now) override;
  Result<delivery::TenantRow> take_tenant(const Spid& provider, std::int64_t now) override;
  Result<void> spend(const Spid& provider, bool opens, std::int64_t now) override;
  Result<void> put_limits(const Spid& provider,
                          const delivery::TenantLimits& limits,
                          std::int64_t now) override;
  Result<std::vector<delivery::TenantRow>> all_tenants(std::int64_t now) override;

 private:
  std::uint64_t open_orders(const Spid& provider) const;
  OrderTables& tables_;
};

class MemoryAnswerRows final : public delivery::AnswerRows {
 public:
  explicit MemoryAnswerRows(OrderTables& tables) : tables_(tables) {}
  Result<std::optional<delivery::AnswerRow>> find_answer(const delivery::AnswerName& name,
                                                         std::int64_t now) override;
  Result<std::uint64_t> count_answers(std::string_view owner) override;
  Result<void> put_answer(const delivery::AnswerRow& row, std::int64_t now) override;
  Result<std::uint32_t> forget_answers(std::int64_t now, std::uint32_t limit) override;

 private:
  OrderTables& tables_;
};

class MemoryCampaignRows final : public delivery::CampaignRows {
 public:
  explicit MemoryCampaignRows(OrderTables& tables) : tables_(tables) {}
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
  // Those of the campaign that `wanted` takes, by name.
  template <typename Wanted>
  std::vector<delivery::OrderRow> members(const delivery::CampaignKey& campaign,
                                          const Wanted& wanted) const;
  OrderTables& tables_;
};

}  // namespace kagibin::test
