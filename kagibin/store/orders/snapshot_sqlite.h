// SPDX-License-Identifier: Apache-2.0
// A moment of the distributor's store on SQLite: a transaction that reads only, which keeps nobody
// from writing (WAL). For order_store_sqlite.cc.
//
// Ownership: refers to the database and to the store's mark that a transaction is open, which it
// clears when it goes.
#pragma once

#include <optional>

#include "kagibin/delivery/store_snapshot.h"
#include "kagibin/store/database.h"

namespace kagibin::store {

class SqliteSnapshot final : public delivery::StoreSnapshot {
 public:
  // Precondition: BEGIN was run.
  SqliteSnapshot(Database& db, bool& open) : db_(db), open_(open) { open_ = true; }
  SqliteSnapshot(const SqliteSnapshot&) = delete;
  SqliteSnapshot& operator=(const SqliteSnapshot&) = delete;
  ~SqliteSnapshot() override;

  Result<delivery::AuditHead> audit_head() override;
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
  // A query that goes on where the last call left it.
  struct Walk {
    std::optional<Query> query{};
    bool ended = false;
  };
  // True when there is a row to read.
  Result<bool> step(Walk& walk, std::string_view sql);

  Database& db_;
  bool& open_;
  Walk waiting_;
  Walk orders_;
  Walk attempts_;
  Walk receipts_;
  Walk campaigns_;
  Walk campaign_counts_;
};

}  // namespace kagibin::store
