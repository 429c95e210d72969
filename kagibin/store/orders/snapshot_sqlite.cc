// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/orders/snapshot_sqlite.h"

#include <utility>

#include "kagibin/store/orders/audit_columns.h"
#include "kagibin/store/orders/campaign_columns.h"
#include "kagibin/store/orders/figure_columns.h"
#include "kagibin/store/orders/order_rows.h"

namespace kagibin::store {

using delivery::AttemptRow;
using delivery::AuditHead;
using delivery::AuditTile;
using delivery::AuditTileName;
using delivery::OrderRow;
using delivery::ReceiptRow;

namespace {

constexpr std::size_t kRowsATime = 500;

}  // namespace

SqliteSnapshot::~SqliteSnapshot() {
  for (Walk* walk : {&waiting_, &orders_, &attempts_, &receipts_, &campaigns_, &campaign_counts_}) {
    walk->query.reset();
  }
  static_cast<void>(db_.run("ROLLBACK"));
  open_ = false;
}

Result<bool> SqliteSnapshot::step(Walk& walk, std::string_view sql) {
  if (walk.ended) {
    return false;
  }
  if (!walk.query) {
    Query query = KB_TRY(db_.query(sql));
    walk.query.emplace(std::move(query));
  }
  const bool more = KB_TRY(walk.query->step());
  walk.ended = !more;
  return more;
}

Result<AuditHead> SqliteSnapshot::audit_head() {
  Query query = KB_TRY(db_.query("SELECT " KB_AUDIT_HEAD " FROM audit_log WHERE only_row = 1"));
  const bool found = KB_TRY(query.step());
  if (!found) {
    return fail(Errc::kStore, "the store lacks the head of its audit log");
  }
  return read_audit_head(query);
}

Result<std::vector<Bytes>> SqliteSnapshot::audit_entries(std::uint64_t first, std::uint32_t limit) {
  Query query = KB_TRY(
      db_.query("SELECT entry FROM audit_entries WHERE place >= ?1 AND place < ?1 + ?2 AND place < "
                "(SELECT size FROM audit_log WHERE only_row = 1) ORDER BY place"));
  query.bind(1, static_cast<std::int64_t>(first));
  query.bind(2, static_cast<std::int64_t>(limit));
  std::vector<Bytes> entries;
  for (bool more = KB_TRY(query.step()); more; more = KB_TRY(query.step())) {
    const ByteView entry = query.octets(0);
    entries.emplace_back(entry.begin(), entry.end());
  }
  return entries;
}

Result<std::optional<AuditTile>> SqliteSnapshot::audit_tile(const AuditTileName& name) {
  Query query = KB_TRY(
      db_.query("SELECT " KB_AUDIT_TILE " FROM audit_tiles WHERE level = ?1 AND number = ?2"));
  query.bind(1, static_cast<std::int64_t>(name.level));
  query.bind(2, static_cast<std::int64_t>(name.number));
  const bool found = KB_TRY(query.step());
  return found ? std::optional(read_audit_tile(query)) : std::nullopt;
}

Result<std::vector<delivery::OrderCount>> SqliteSnapshot::order_counts() {
  Query query = KB_TRY(db_.query("SELECT " KB_COUNT_COLUMNS
                                 " FROM order_counts WHERE count <> 0 ORDER BY provider, state"));
  return read_order_counts(query);
}

Result<delivery::StoreFigures> SqliteSnapshot::figures() {
  delivery::StoreFigures figures;
  const std::vector<delivery::OrderCount> counts = KB_TRY(order_counts());
  add_counts(counts, figures);
  {
    Query query = KB_TRY(db_.query(KB_OLDEST_ORDERS));
    for (bool more = KB_TRY(query.step()); more; more = KB_TRY(query.step())) {
      KB_TRY(add_oldest(query, figures));
    }
  }
  Query query = KB_TRY(
      db_.query("SELECT size, (SELECT count(*) FROM (SELECT 1 FROM audit_entries WHERE place >= "
                "(SELECT size FROM audit_log WHERE only_row = 1) LIMIT ?1)) FROM audit_log WHERE "
                "only_row = 1"));
  query.bind(1, static_cast<std::int64_t>(delivery::kMostWithoutPlace));
  const bool found = KB_TRY(query.step());
  if (!found) {
    return fail(Errc::kStore, "the store lacks the head of its audit log");
  }
  figures.entries = static_cast<std::uint64_t>(query.integer(0));
  figures.without_place = static_cast<std::uint64_t>(query.integer(1));
  return figures;
}

Result<std::vector<Bytes>> SqliteSnapshot::next_without_place() {
  std::vector<Bytes> entries;
  while (entries.size() < kRowsATime) {
    const bool more =
        KB_TRY(step(waiting_,
                    "SELECT entry FROM audit_entries WHERE place >= (SELECT size FROM audit_log "
                    "WHERE only_row = 1) ORDER BY place"));
    if (!more) {
      break;
    }
    const ByteView entry = waiting_.query->octets(0);
    entries.emplace_back(entry.begin(), entry.end());
  }
  return entries;
}

Result<std::vector<OrderRow>> SqliteSnapshot::next_orders() {
  std::vector<OrderRow> rows;
  while (rows.size() < kRowsATime) {
    const bool more = KB_TRY(step(orders_, "SELECT " KB_ORDER_COLUMNS " FROM orders"));
    if (!more) {
      break;
    }
    OrderRow row = KB_TRY(read_order(*orders_.query));
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::vector<AttemptRow>> SqliteSnapshot::next_attempts() {
  std::vector<AttemptRow> rows;
  while (rows.size() < kRowsATime) {
    const bool more = KB_TRY(step(attempts_, "SELECT " KB_ATTEMPT_COLUMNS " FROM attempts a"));
    if (!more) {
      break;
    }
    AttemptRow row = KB_TRY(read_attempt(*attempts_.query));
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::vector<ReceiptRow>> SqliteSnapshot::next_receipts() {
  std::vector<ReceiptRow> rows;
  while (rows.size() < kRowsATime) {
    const bool more = KB_TRY(step(receipts_, "SELECT " KB_RECEIPT_COLUMNS " FROM receipts"));
    if (!more) {
      break;
    }
    ReceiptRow row = KB_TRY(read_receipt(*receipts_.query));
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::vector<delivery::CampaignRow>> SqliteSnapshot::next_campaigns() {
  std::vector<delivery::CampaignRow> rows;
  while (rows.size() < kRowsATime) {
    const bool more = KB_TRY(step(campaigns_, "SELECT " KB_CAMPAIGN_COLUMNS " FROM campaigns"));
    if (!more) {
      break;
    }
    delivery::CampaignRow row = KB_TRY(read_campaign(*campaigns_.query));
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::vector<delivery::CampaignCount>> SqliteSnapshot::next_campaign_counts() {
  std::vector<delivery::CampaignCount> rows;
  while (rows.size() < kRowsATime) {
    const bool more = KB_TRY(step(campaign_counts_, "SELECT " KB_CAMPAIGN_COUNT_COLUMNS
                                                    " FROM campaign_counts WHERE count <> 0"));
    if (!more) {
      break;
    }
    delivery::CampaignCount row = KB_TRY(read_campaign_count(*campaign_counts_.query));
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace kagibin::store
