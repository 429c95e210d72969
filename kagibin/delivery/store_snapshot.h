// SPDX-License-Identifier: Apache-2.0
// Port: everything that the key distribution operator's store holds of orders and of the audit log,
// as it was at one moment. For audits; distributors go on meanwhile.
//
// next_...() answer some rows each time and none at the end; entries and tiles of the log
// are read by their names. Failures are those of order_store.h. One at a time of a store object,
// and not while a transaction of it is open.
//
//   const auto snapshot = KB_TRY(store.snapshot());
//   const AuditHead head = KB_TRY(snapshot->audit_head());
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/delivery/audit_rows.h"
#include "kagibin/delivery/order_counts.h"
#include "kagibin/delivery/order_store.h"
#include "kagibin/delivery/store_figures.h"

namespace kagibin::delivery {

struct ReceiptRow {
  OrderKey order;
  AttemptNumber number = 1;
  std::uint32_t revision = 1;
  Bytes receipt{};
};

class StoreSnapshot {
 public:
  StoreSnapshot() = default;
  StoreSnapshot(const StoreSnapshot&) = delete;
  StoreSnapshot& operator=(const StoreSnapshot&) = delete;
  virtual ~StoreSnapshot() = default;

  virtual Result<AuditHead> audit_head() = 0;
  // Entries with a place, from `first` on.
  virtual Result<std::vector<Bytes>> audit_entries(std::uint64_t first, std::uint32_t limit) = 0;
  virtual Result<std::optional<AuditTile>> audit_tile(const AuditTileName& name) = 0;

  // Of all providers.
  virtual Result<std::vector<OrderCount>> order_counts() = 0;
  // At a cost that does not grow with the orders.
  virtual Result<StoreFigures> figures() = 0;

  virtual Result<std::vector<Bytes>> next_without_place() = 0;
  virtual Result<std::vector<OrderRow>> next_orders() = 0;
  virtual Result<std::vector<AttemptRow>> next_attempts() = 0;
  virtual Result<std::vector<ReceiptRow>> next_receipts() = 0;
  virtual Result<std::vector<CampaignRow>> next_campaigns() = 0;
  virtual Result<std::vector<CampaignCount>> next_campaign_counts() = 0;
};

}  // namespace kagibin::delivery
