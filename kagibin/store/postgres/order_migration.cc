// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/postgres/order_migration.h"

#include <array>
#include <utility>

#include "kagibin/base/byte_io.h"
#include "kagibin/store/orders/audit_columns.h"
#include "kagibin/store/orders/campaign_columns.h"
#include "kagibin/store/orders/order_rows.h"
#include "kagibin/store/orders/order_schema.h"
#include "kagibin/store/postgres/order_tables.h"
#include "kagibin/store/postgres/pg_failure.h"
#include "kagibin/store/postgres/postgres_schema.h"
#include "kagibin/store/store_failure.h"

namespace kagibin::store {
namespace {

constexpr std::size_t kRowsATrip = 500;
constexpr std::chrono::minutes kAnswerTimeout{10};

using Table = OrderTable;

#define KB_ORDERS                                                                        \
  "provider, id, device, not_after, state, current_attempt, created_at, campaign, grp, " \
  "held, touched, attributes"
#define KB_CAMPAIGNS                                                                          \
  "provider, id, terms, created_at, state, reason, changed_at, released, credit, credit_at, " \
  "settled_at, due, changed_by, paused_by"
#define KB_HISTORY "provider, order_id, ordinal, time, event, attempt, state, order_state, revision"
#define KB_ATTEMPTS                                                                         \
  "provider, order_id, number, sequence, device, not_after, kind, state, opening, answer, " \
  "envelope, receipts, verdict, reason, judged, withdrawal, change, held"
#define KB_RECEIPTS "provider, order_id, number, revision, receipt"
#define KB_INVITATIONS "token_hash, subject, not_after, request, certificate"
#define KB_PLACED "place < (SELECT size FROM audit_log)"
#define KB_TABLE(name, columns, key, parameters, types)                              \
  Table {                                                                            \
    name, "SELECT " columns " FROM " name " ORDER BY " key,                          \
        "DECLARE " name "_cursor NO SCROLL CURSOR FOR SELECT " columns " FROM " name \
        " ORDER BY " key,                                                            \
        "FETCH 500 FROM " name "_cursor",                                            \
        "INSERT INTO " name "(" columns ") VALUES (" parameters ")", types           \
  }

constexpr std::array kTables = {
    KB_TABLE("orders",
             KB_ORDERS,
             "provider, id",
             "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12",
             "bttitiitiiit"),
    KB_TABLE("attempts",
             KB_ATTEMPTS,
             "provider, order_id, number",
             "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18",
             "btiititt"
             "bbbittitii"),
    KB_TABLE("receipts",
             KB_RECEIPTS,
             "provider, order_id, number, revision",
             "$1, $2, $3, $4, $5",
             "btiib"),
    KB_TABLE("invitations", KB_INVITATIONS, "token_hash", "$1, $2, $3, $4, $5", "btitt"),
    KB_TABLE("tenants", KB_TENANT_COLUMNS, "provider", "$1, $2, $3, $4, $5, $6", "biiiii"),
    KB_TABLE("answers",
             KB_ANSWER_COLUMNS ", number",
             "owner, name",
             "$1, $2, $3, $4, $5, $6, $7",
             "ttbitii"),
    KB_TABLE("order_counts", KB_COUNT_COLUMNS, "provider, state", "$1, $2, $3", "bti"),
    KB_TABLE("campaigns",
             KB_CAMPAIGNS,
             "provider, id",
             "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14",
             "bttittiiiiiiti"),
    KB_TABLE("campaign_counts",
             KB_CAMPAIGN_COUNT_COLUMNS,
             "provider, campaign, grp, phase",
             "$1, $2, $3, $4, $5",
             "btiti"),
    KB_TABLE("order_history",
             KB_HISTORY,
             "provider, order_id, ordinal",
             "$1, $2, $3, $4, $5, $6, $7, $8, $9",
             "btiititti"),
    // SQLite keeps entries that wait for their place behind those that have one.
    Table{.name = "audit_entries",
          .read = "SELECT place, entry FROM audit_entries WHERE " KB_PLACED " ORDER BY place",
          .cursor = "DECLARE audit_entries_cursor NO SCROLL CURSOR FOR SELECT place, entry FROM "
                    "audit_entries ORDER BY place",
          .fetch = "FETCH 500 FROM audit_entries_cursor",
          .insert = "INSERT INTO audit_entries(place, entry) VALUES ($1, $2)",
          .types = "ib"},
    Table{.name = "audit_waiting",
          .read = "SELECT place, entry FROM audit_entries WHERE NOT " KB_PLACED " ORDER BY place",
          .cursor = "DECLARE audit_waiting_cursor NO SCROLL CURSOR FOR SELECT id, entry FROM "
                    "audit_waiting ORDER BY id",
          .fetch = "FETCH 500 FROM audit_waiting_cursor",
          .insert = "INSERT INTO audit_waiting(id, entry) VALUES ($1, $2)",
          .types = "ib"},
    KB_TABLE("audit_tiles", "level, number, hashes", "level, number", "$1, $2, $3", "iib"),
    Table{.name = "audit_log",
          .read = "SELECT " KB_AUDIT_HEAD " FROM audit_log",
          .cursor = "DECLARE audit_log_cursor NO SCROLL CURSOR FOR SELECT " KB_AUDIT_HEAD
                    " FROM audit_log",
          .fetch = "FETCH 500 FROM audit_log_cursor",
          .insert = "UPDATE audit_log SET size = $1, checkpoint = $2, verifier = $3",
          .types = "itt"},
};

Bytes canonical(const Row& row, std::string_view types) {
  ByteWriter out;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const int column = static_cast<int>(i);
    if (row.is_null(column)) {
      out.u8(0);
    } else if (types[i] == 'i') {
      out.u8(1).u64(static_cast<std::uint64_t>(row.integer(column)));
    } else {
      const ByteView octets = row.octets(column);
      out.u8(types[i] == 't' ? 2 : 3).u32(static_cast<std::uint32_t>(octets.size())).bytes(octets);
    }
  }
  return out.take();
}

PgParameters parameters_of(const Row& row, std::string_view types) {
  PgParameters out;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const int column = static_cast<int>(i);
    if (row.is_null(column)) {
      out.null();
    } else if (types[i] == 'i') {
      out.integer(row.integer(column));
    } else {
      out.octets(row.octets(column));
    }
  }
  return out;
}

Result<std::int64_t> number_in(Database& db, std::string_view sql) {
  Query query = KB_TRY(db.query(sql));
  const bool found = KB_TRY(query.step());
  return found && !query.is_null(0) ? query.integer(0) : 0;
}

}  // namespace

Result<OrderMigration> OrderMigration::open(const std::filesystem::path& file,
                                            const std::string& address,
                                            Source kind) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) {
    return fail(Errc::kNotFound, "there is no such file");
  }
  // The schema of one that is moved is brought up to date, as a distributor would do.
  const bool keep = kind == Source::kKept;
  Database source = KB_TRY(Database::open({.path = file,
                                           .application_id = kOrderApplicationId,
                                           .moved_application_id = kMovedApplicationId,
                                           .migrations = kOrderMigrations,
                                           .read_only = keep}));
  KB_TRY(source.run(keep ? "BEGIN" : "BEGIN IMMEDIATE"));
  std::unique_ptr<PgConnection> target =
      KB_TRY(PgConnection::open({.address = address, .answer_timeout = kAnswerTimeout}));
  KB_TRY(bring_up_to_date(*target));
  KB_TRY(target->script(
      "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;"
      "LOCK TABLE orders, attempts, receipts, invitations, tenants, answers, order_counts, "
      "campaigns, campaign_counts, order_history, "
      "changes, "
      "audit_waiting, audit_entries, audit_tiles, audit_log IN EXCLUSIVE MODE"));
  return OrderMigration(kind, std::make_unique<Database>(std::move(source)), std::move(target));
}

Result<bool> OrderMigration::target_is_used() {
  const std::size_t place = target_->add(
      "SELECT EXISTS (SELECT 1 FROM orders) OR EXISTS (SELECT 1 FROM invitations) "
      "OR EXISTS (SELECT 1 FROM changes) OR EXISTS (SELECT 1 FROM tenants) OR EXISTS (SELECT 1 "
      "FROM campaigns) "
      "OR (SELECT size FROM audit_log) > 0");
  const std::vector<PgRows> answers = KB_TRY(target_->run());
  return answers[place].at(0).integer(0) != 0;
}

Result<void> OrderMigration::copy() {
  const bool used = KB_TRY(target_is_used());
  if (used) {
    return std::unexpected(used_database());
  }
  // The log that comes has a beginning of its own.
  KB_TRY(target_->script("DELETE FROM audit_waiting"));
  for (const Table& table : kTables) {
    Query query = KB_TRY(source_->query(table.read));
    std::size_t waiting = 0;
    for (bool more = KB_TRY(query.step()); more; more = KB_TRY(query.step())) {
      target_->add(table.insert, parameters_of(query, table.types));
      if (++waiting == kRowsATrip) {
        KB_TRY(target_->run());
        waiting = 0;
      }
    }
    KB_TRY(target_->run());
  }
  // Behind every cursor that a provider or an agent holds.
  const std::int64_t changes =
      KB_TRY(number_in(*source_, "SELECT value FROM counters WHERE name = 'change'"));
  const std::int64_t arrivals =
      KB_TRY(number_in(*source_, "SELECT seq FROM sqlite_sequence WHERE name = 'attempts'"));
  target_->add("INSERT INTO changes SELECT DISTINCT provider, $1::bigint FROM orders",
               PgParameters().integer(changes));
  target_->add("SELECT setval('arrivals', $1::bigint + 1, false)",
               PgParameters().integer(arrivals));
  const std::int64_t entries = KB_TRY(number_in(*source_, "SELECT max(place) FROM audit_entries"));
  target_->add("SELECT setval('audit_arrivals', $1::bigint + 1, false)",
               PgParameters().integer(entries));
  KB_TRY(target_->run());
  return {};
}

Result<void> OrderMigration::read_source(RowSink& sink) { return read_rows(*source_, sink); }

Result<void> OrderMigration::read_target(RowSink& sink) { return read_rows(*target_, sink); }

std::span<const OrderTable> order_tables() { return kTables; }

Result<void> read_rows(Database& file, RowSink& sink) {
  for (const Table& table : kTables) {
    Query query = KB_TRY(file.query(table.read));
    for (bool more = KB_TRY(query.step()); more; more = KB_TRY(query.step())) {
      sink.row(table.name, canonical(query, table.types));
    }
  }
  return {};
}

Result<void> read_rows(PgConnection& database, const OrderTable& table, const RowReader& reader) {
  database.add(table.cursor);
  KB_TRY(database.run());
  for (;;) {
    database.add(table.fetch);
    const std::vector<PgRows> answers = KB_TRY(database.run());
    if (answers[0].count() == 0) {
      break;
    }
    for (int i = 0; i < answers[0].count(); ++i) {
      KB_TRY(reader(answers[0].at(i)));
    }
  }
  const std::string close = "CLOSE " + std::string(table.name) + "_cursor";
  return database.script(close);
}

Result<void> read_rows(PgConnection& database, RowSink& sink) {
  for (const Table& table : kTables) {
    KB_TRY(read_rows(database, table, [&](const Row& row) -> Result<void> {
      sink.row(table.name, canonical(row, table.types));
      return {};
    }));
  }
  return {};
}

Result<void> OrderMigration::finish() {
  KB_TRY(target_->script("COMMIT"));
  if (kind_ == Source::kKept) {
    return {};
  }
  const std::string mark = "PRAGMA application_id=" + std::to_string(kMovedApplicationId);
  KB_TRY(source_->run(mark.c_str()));
  return source_->run("COMMIT");
}

}  // namespace kagibin::store
