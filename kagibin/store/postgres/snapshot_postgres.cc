// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/postgres/snapshot_postgres.h"

#include <algorithm>
#include <utility>

#include "kagibin/store/orders/audit_columns.h"
#include "kagibin/store/orders/campaign_columns.h"
#include "kagibin/store/orders/figure_columns.h"
#include "kagibin/store/orders/order_rows.h"
#include "kagibin/store/postgres/order_statements.h"

namespace kagibin::store {

using delivery::AttemptRow;
using delivery::AuditHead;
using delivery::AuditTile;
using delivery::AuditTileName;
using delivery::OrderRow;
using delivery::ReceiptRow;

namespace {

#define KB_CURSOR(name, select) "DECLARE " name " NO SCROLL CURSOR FOR " select
#define KB_FETCH(name) "FETCH 500 FROM " name

Bytes octets_of(const PgRow& row, int column) {
  const ByteView view = row.octets(column);
  return {view.begin(), view.end()};
}

}  // namespace

Result<std::unique_ptr<delivery::StoreSnapshot>> PostgresSnapshot::begin(PgConnection& db,
                                                                         bool& open) {
  KB_TRY(
      db.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0; "
                "SET LOCAL idle_in_transaction_session_timeout = 0"));
  return std::unique_ptr<delivery::StoreSnapshot>(new PostgresSnapshot(db, open));
}

PostgresSnapshot::~PostgresSnapshot() {
  if (db_.alive()) {
    db_.add("ROLLBACK");
    static_cast<void>(db_.run_until_failure());
  }
  open_ = false;
}

Result<PgRows> PostgresSnapshot::rows(std::string_view sql, PgParameters parameters) {
  db_.add(sql, std::move(parameters));
  std::vector<PgRows> answers = KB_TRY(db_.run());
  return std::move(answers.front());
}

Result<PgRows> PostgresSnapshot::fetch(bool& opened,
                                       std::string_view declare,
                                       std::string_view fetch) {
  if (!opened) {
    db_.add(declare);
  }
  const std::size_t place = db_.add(fetch);
  std::vector<PgRows> answers = KB_TRY(db_.run());
  opened = true;
  return std::move(answers[place]);
}

Result<AuditHead> PostgresSnapshot::audit_head() {
  const PgRows found = KB_TRY(rows("SELECT " KB_AUDIT_HEAD " FROM audit_log WHERE only_row = 1"));
  if (found.count() != 1) {
    return fail(Errc::kStore, "the store lacks the head of its audit log");
  }
  return read_audit_head(found.at(0));
}

Result<std::vector<Bytes>> PostgresSnapshot::audit_entries(std::uint64_t first,
                                                           std::uint32_t limit) {
  PgParameters parameters;
  parameters.integer(static_cast<std::int64_t>(first)).integer(limit);
  const PgRows found =
      KB_TRY(rows("SELECT entry FROM audit_entries WHERE place >= $1 AND place < $1 + $2 ORDER BY "
                  "place",
                  std::move(parameters)));
  std::vector<Bytes> entries;
  entries.reserve(static_cast<std::size_t>(found.count()));
  for (int i = 0; i < found.count(); ++i) {
    entries.push_back(octets_of(found.at(i), 0));
  }
  return entries;
}

Result<std::optional<AuditTile>> PostgresSnapshot::audit_tile(const AuditTileName& name) {
  PgParameters parameters;
  parameters.integer(name.level).integer(static_cast<std::int64_t>(name.number));
  const PgRows found =
      KB_TRY(rows("SELECT " KB_AUDIT_TILE " FROM audit_tiles WHERE level = $1 AND number = $2",
                  std::move(parameters)));
  return found.count() == 0 ? std::nullopt : std::optional(read_audit_tile(found.at(0)));
}

Result<std::vector<delivery::OrderCount>> PostgresSnapshot::order_counts() {
  const PgRows found = KB_TRY(rows("SELECT " KB_COUNT_COLUMNS
                                   " FROM order_counts WHERE count <> 0 ORDER BY provider, state"));
  std::vector<delivery::OrderCount> counts;
  for (int i = 0; i < found.count(); ++i) {
    const delivery::OrderCount count = KB_TRY(read_order_count(found.at(i)));
    counts.push_back(count);
  }
  return counts;
}

Result<delivery::StoreFigures> PostgresSnapshot::figures() {
  delivery::StoreFigures figures;
  const std::vector<delivery::OrderCount> counts = KB_TRY(order_counts());
  add_counts(counts, figures);
  const PgRows oldest = KB_TRY(rows(sql::kOldestOrders));
  for (int i = 0; i < oldest.count(); ++i) {
    KB_TRY(add_oldest(oldest.at(i), figures));
  }
  PgParameters parameters;
  parameters.integer(static_cast<std::int64_t>(delivery::kMostWithoutPlace));
  const PgRows log = KB_TRY(rows(sql::kAuditFigures, std::move(parameters)));
  if (log.count() != 1) {
    return fail(Errc::kStore, "the store lacks the head of its audit log");
  }
  figures.entries = static_cast<std::uint64_t>(log.at(0).integer(0));
  figures.without_place = static_cast<std::uint64_t>(log.at(0).integer(1));
  return figures;
}

Result<std::vector<Bytes>> PostgresSnapshot::next_without_place() {
  const PgRows found = KB_TRY(
      fetch(waiting_, KB_CURSOR("waiting_walk", "SELECT entry FROM audit_waiting ORDER BY id"),
            KB_FETCH("waiting_walk")));
  std::vector<Bytes> entries;
  entries.reserve(static_cast<std::size_t>(found.count()));
  for (int i = 0; i < found.count(); ++i) {
    entries.push_back(octets_of(found.at(i), 0));
  }
  return entries;
}

Result<std::vector<OrderRow>> PostgresSnapshot::next_orders() {
  const PgRows found = KB_TRY(fetch(
      orders_,
      KB_CURSOR("orders_walk", "SELECT " KB_ORDER_COLUMNS " FROM orders ORDER BY provider, id"),
      KB_FETCH("orders_walk")));
  std::vector<OrderRow> out;
  for (int i = 0; i < found.count(); ++i) {
    OrderRow row = KB_TRY(read_order(found.at(i)));
    out.push_back(std::move(row));
  }
  return out;
}

Result<std::vector<AttemptRow>> PostgresSnapshot::next_attempts() {
  const PgRows found = KB_TRY(
      fetch(attempts_,
            KB_CURSOR("attempts_walk", "SELECT " KB_ATTEMPT_COLUMNS
                                       " FROM attempts a ORDER BY provider, order_id, number"),
            KB_FETCH("attempts_walk")));
  std::vector<AttemptRow> out;
  for (int i = 0; i < found.count(); ++i) {
    AttemptRow row = KB_TRY(read_attempt(found.at(i)));
    out.push_back(std::move(row));
  }
  return out;
}

Result<std::vector<ReceiptRow>> PostgresSnapshot::next_receipts() {
  const PgRows found =
      KB_TRY(fetch(receipts_,
                   KB_CURSOR("receipts_walk", "SELECT " KB_RECEIPT_COLUMNS
                                              " FROM receipts ORDER BY provider, order_id, number"),
                   KB_FETCH("receipts_walk")));
  std::vector<ReceiptRow> out;
  for (int i = 0; i < found.count(); ++i) {
    ReceiptRow row = KB_TRY(read_receipt(found.at(i)));
    out.push_back(std::move(row));
  }
  return out;
}

Result<std::vector<delivery::CampaignRow>> PostgresSnapshot::next_campaigns() {
  const PgRows found =
      KB_TRY(fetch(campaigns_,
                   KB_CURSOR("campaigns_walk",
                             "SELECT " KB_CAMPAIGN_COLUMNS " FROM campaigns ORDER BY provider, id"),
                   KB_FETCH("campaigns_walk")));
  std::vector<delivery::CampaignRow> out;
  for (int i = 0; i < found.count(); ++i) {
    delivery::CampaignRow row = KB_TRY(read_campaign(found.at(i)));
    out.push_back(std::move(row));
  }
  return out;
}

Result<std::vector<delivery::CampaignCount>> PostgresSnapshot::next_campaign_counts() {
  const PgRows found =
      KB_TRY(fetch(campaign_counts_,
                   KB_CURSOR("campaign_counts_walk", "SELECT " KB_CAMPAIGN_COUNT_COLUMNS
                                                     " FROM campaign_counts WHERE count <> 0"),
                   KB_FETCH("campaign_counts_walk")));
  std::vector<delivery::CampaignCount> out;
  for (int i = 0; i < found.count(); ++i) {
    delivery::CampaignCount row = KB_TRY(read_campaign_count(found.at(i)));
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace kagibin::store
