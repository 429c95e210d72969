// SPDX-License-Identifier: Apache-2.0
// A moment of the distributors' common store on PostgreSQL: a transaction REPEATABLE READ, READ
// ONLY, which keeps nobody from writing. For order_store_postgres.cc.
//
// Ownership: refers to the session and to the store's mark that a transaction is open, which it
// clears when it goes.
#pragma once

#include "kagibin/delivery/store_snapshot.h"
#include "kagibin/store/postgres/pg_connection.h"

namespace kagibin::store {

class PostgresSnapshot final : public delivery::StoreSnapshot {
 public:
  static Result<std::unique_ptr<delivery::StoreSnapshot>> begin(PgConnection& db, bool& open);
  PostgresSnapshot(const PostgresSnapshot&) = delete;
  PostgresSnapshot& operator=(const PostgresSnapshot&) = delete;
  ~PostgresSnapshot() override;

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
  PostgresSnapshot(PgConnection& db, bool& open) : db_(db), open_(open) { open_ = true; }
  Result<PgRows> rows(std::string_view sql, PgParameters parameters = {});
  // Opens the cursor at its first use, and fetches from it.
  Result<PgRows> fetch(bool& opened, std::string_view declare, std::string_view fetch);

  PgConnection& db_;
  bool& open_;
  bool waiting_ = false;
  bool orders_ = false;
  bool attempts_ = false;
  bool receipts_ = false;
  bool campaigns_ = false;
  bool campaign_counts_ = false;
};

}  // namespace kagibin::store
