// SPDX-License-Identifier: Apache-2.0
// The audit log's part of a transaction: entries go out with the commit, in one statement for the
// whole batch.
#include <utility>

#include "kagibin/store/orders/audit_columns.h"
#include "kagibin/store/postgres/order_statements.h"
#include "kagibin/store/postgres/order_transaction_postgres.h"

namespace kagibin::store {

using delivery::AuditHead;
using delivery::AuditTile;
using delivery::AuditTileName;

Result<void> PostgresOrderTransaction::append(ByteView entry) {
  KB_TRY(alive());
  audit_entries_.emplace_back(entry.begin(), entry.end());
  return {};
}

void PostgresOrderTransaction::add_entries() {
  if (audit_entries_.empty()) {
    return;
  }
  const std::vector<ByteView> views(audit_entries_.begin(), audit_entries_.end());
  PgParameters parameters;
  parameters.octet_strings(views);
  add(sql::kAppendAudit, std::move(parameters));
}

Result<std::vector<Bytes>> PostgresOrderTransaction::without_place(std::uint32_t limit) {
  KB_TRY(alive());
  const std::size_t place = add(sql::kAuditWithoutPlace, PgParameters().integer(limit));
  const std::vector<PgRows> answers = KB_TRY(run());
  std::vector<Bytes> entries;
  audit_waiting_.clear();
  for (int i = 0; i < answers[place].count(); ++i) {
    const PgRow row = answers[place].at(i);
    const ByteView entry = row.octets(1);
    audit_waiting_.push_back(row.integer(0));
    entries.emplace_back(entry.begin(), entry.end());
  }
  return entries;
}

Result<std::optional<AuditHead>> PostgresOrderTransaction::take_head() {
  KB_TRY(alive());
  const std::size_t place = add(sql::kTakeAuditHead);
  const std::vector<PgRows> answers = KB_TRY(run());
  if (answers[place].count() == 0) {
    return std::optional<AuditHead>();
  }
  AuditHead head = read_audit_head(answers[place].at(0));
  audit_size_ = head.size;
  return std::optional(std::move(head));
}

Result<std::vector<AuditTile>> PostgresOrderTransaction::tiles(
    std::span<const AuditTileName> names) {
  KB_TRY(alive());
  std::vector<AuditTile> tiles;
  if (names.empty()) {
    return tiles;
  }
  std::vector<std::int64_t> levels;
  std::vector<std::int64_t> numbers;
  for (const AuditTileName& name : names) {
    levels.push_back(static_cast<std::int64_t>(name.level));
    numbers.push_back(static_cast<std::int64_t>(name.number));
  }
  PgParameters parameters;
  parameters.integers(levels).integers(numbers);
  const std::size_t place = add(sql::kAuditTiles, std::move(parameters));
  const std::vector<PgRows> answers = KB_TRY(run());
  for (int i = 0; i < answers[place].count(); ++i) {
    tiles.push_back(read_audit_tile(answers[place].at(i)));
  }
  return tiles;
}

Result<void> PostgresOrderTransaction::extend(const AuditHead& head,
                                              std::span<const AuditTile> tiles) {
  KB_TRY(alive());
  if (head.size - audit_size_ != audit_waiting_.size()) {
    return fail(Errc::kState, "the log grows by the entries that were read");
  }
  PgParameters placed;
  placed.integers(audit_waiting_).integer(static_cast<std::int64_t>(audit_size_));
  writes_.push_back({.sql = sql::kPlaceAudit, .parameters = std::move(placed)});
  for (const AuditTile& tile : tiles) {
    PgParameters parameters;
    parameters.integer(tile.name.level).integer(static_cast<std::int64_t>(tile.name.number));
    parameters.octets(tile.hashes);
    writes_.push_back({.sql = sql::kPutAuditTile, .parameters = std::move(parameters)});
  }
  PgParameters parameters;
  parameters.integer(static_cast<std::int64_t>(head.size)).text(head.checkpoint);
  parameters.text(head.verifier);
  writes_.push_back({.sql = sql::kPutAuditHead, .parameters = std::move(parameters)});
  return {};
}

}  // namespace kagibin::store
