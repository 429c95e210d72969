// SPDX-License-Identifier: Apache-2.0
// A moment of the distributor's store in memory: a copy. For memory_order_store.cc.
//
// Ownership: refers to the store's mark that something is open, which it clears when it goes.
#pragma once

#include "kagibin/delivery/store_snapshot.h"

#include "tests/support/memory_orders/order_tables.h"

namespace kagibin::test {

class MemorySnapshot final : public delivery::StoreSnapshot {
 public:
  MemorySnapshot(const OrderTables& tables, bool& open) : tables_(tables), open_(open) {
    open_ = true;
  }
  MemorySnapshot(const MemorySnapshot&) = delete;
  MemorySnapshot& operator=(const MemorySnapshot&) = delete;
  ~MemorySnapshot() override { open_ = false; }

  Result<delivery::AuditHead> audit_head() override { return tables_.head.at(0); }
  Result<std::vector<Bytes>> audit_entries(std::uint64_t first, std::uint32_t limit) override;
  Result<std::optional<delivery::AuditTile>> audit_tile(
      const delivery::AuditTileName& name) override;
  Result<std::vector<delivery::OrderCount>> order_counts() override;
  Result<delivery::StoreFigures> figures() override;
  Result<std::vector<Bytes>> next_without_place() override;
  Result<std::vector<delivery::OrderRow>> next_orders() override;
  Result<std::vector<delivery::AttemptRow>> next_attempts() override;
  Result<std::vector<delivery::ReceiptRow>> next_receipts() override;
  Result<std::vector<delivery::CampaignRow>> next_campaigns() override;
  Result<std::vector<delivery::CampaignCount>> next_campaign_counts() override;

 private:
  const OrderTables tables_;
  bool& open_;
  // Each is told once, whole.
  bool told_waiting_ = false;
  bool told_orders_ = false;
  bool told_attempts_ = false;
  bool told_receipts_ = false;
  bool told_campaigns_ = false;
  bool told_campaign_counts_ = false;
};

}  // namespace kagibin::test
