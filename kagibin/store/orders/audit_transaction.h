// SPDX-License-Identifier: Apache-2.0
// The audit log's part of a transaction on SQLite. For order_transaction.h.
//
// SQLite has one writer: an entry's row is its place from the beginning, and those behind the
// head's size wait to be hashed. Ownership: refers to the database, whose transaction is open.
#pragma once

#include "kagibin/delivery/audit_rows.h"
#include "kagibin/store/database.h"

namespace kagibin::store {

class SqliteAuditRows final : public delivery::AuditRows {
 public:
  explicit SqliteAuditRows(Database& db) : db_(db) {}

  Result<void> append(ByteView entry) override;
  Result<std::vector<Bytes>> without_place(std::uint32_t limit) override;
  Result<std::optional<delivery::AuditHead>> take_head() override;
  Result<std::vector<delivery::AuditTile>> tiles(
      std::span<const delivery::AuditTileName> names) override;
  Result<void> extend(const delivery::AuditHead& head,
                      std::span<const delivery::AuditTile> tiles) override;

 private:
  Result<Query> query(std::string_view sql);
  Database& db_;
};

}  // namespace kagibin::store
