// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/orders/audit_transaction.h"

#include <utility>

#include "kagibin/store/orders/audit_columns.h"

namespace kagibin::store {

using delivery::AuditHead;
using delivery::AuditTile;
using delivery::AuditTileName;

// SQLite ends a transaction by itself after some errors; what followed would commit by itself.
Result<Query> SqliteAuditRows::query(std::string_view sql) {
  if (!db_.in_transaction()) {
    return fail(Errc::kStore, "the transaction ended with an earlier failure");
  }
  return db_.query(sql);
}

// The first entry has place 0 and came with the schema: the row behind the last is the next place.
Result<void> SqliteAuditRows::append(ByteView entry) {
  Query query = KB_TRY(this->query("INSERT INTO audit_entries(entry) VALUES (?1)"));
  query.bind(1, entry);
  return query.run();
}

Result<std::vector<Bytes>> SqliteAuditRows::without_place(std::uint32_t limit) {
  Query query =
      KB_TRY(this->query("SELECT entry FROM audit_entries WHERE place >= (SELECT size FROM "
                         "audit_log WHERE only_row = 1) ORDER BY place LIMIT ?1"));
  query.bind(1, static_cast<std::int64_t>(limit));
  std::vector<Bytes> entries;
  for (bool more = KB_TRY(query.step()); more; more = KB_TRY(query.step())) {
    const ByteView entry = query.octets(0);
    entries.emplace_back(entry.begin(), entry.end());
  }
  return entries;
}

Result<std::optional<AuditHead>> SqliteAuditRows::take_head() {
  Query query = KB_TRY(this->query("SELECT " KB_AUDIT_HEAD " FROM audit_log WHERE only_row = 1"));
  const bool found = KB_TRY(query.step());
  if (!found) {
    return fail(Errc::kStore, "the store lacks the head of its audit log");
  }
  return std::optional(read_audit_head(query));
}

Result<std::vector<AuditTile>> SqliteAuditRows::tiles(std::span<const AuditTileName> names) {
  std::vector<AuditTile> tiles;
  for (const AuditTileName& name : names) {
    Query query = KB_TRY(
        this->query("SELECT " KB_AUDIT_TILE " FROM audit_tiles WHERE level = ?1 AND number = ?2"));
    query.bind(1, static_cast<std::int64_t>(name.level));
    query.bind(2, static_cast<std::int64_t>(name.number));
    const bool found = KB_TRY(query.step());
    if (found) {
      tiles.push_back(read_audit_tile(query));
    }
  }
  return tiles;
}

Result<void> SqliteAuditRows::extend(const AuditHead& head, std::span<const AuditTile> tiles) {
  for (const AuditTile& tile : tiles) {
    Query query =
        KB_TRY(this->query("INSERT INTO audit_tiles(level, number, hashes) VALUES (?1, ?2, ?3) "
                           "ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes"));
    query.bind(1, static_cast<std::int64_t>(tile.name.level));
    query.bind(2, static_cast<std::int64_t>(tile.name.number));
    query.bind(3, ByteView(tile.hashes));
    KB_TRY(query.run());
  }
  Query query = KB_TRY(this->query(
      "UPDATE audit_log SET size = ?1, checkpoint = ?2, verifier = ?3 WHERE only_row = 1"));
  query.bind(1, static_cast<std::int64_t>(head.size));
  query.bind(2, std::string_view(head.checkpoint));
  query.bind(3, std::string_view(head.verifier));
  return query.run();
}

}  // namespace kagibin::store
