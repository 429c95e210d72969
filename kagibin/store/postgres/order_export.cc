// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/postgres/order_export.h"

#include <utility>
#include <vector>

#include "kagibin/base/byte_io.h"
#include "kagibin/store/order_file.h"
#include "kagibin/store/orders/order_schema.h"
#include "kagibin/store/postgres/order_tables.h"
#include "kagibin/store/postgres/postgres_schema.h"
#include "kagibin/store/store_failure.h"

namespace kagibin::store {
namespace {

constexpr std::chrono::minutes kAnswerTimeout{10};

Result<std::unique_ptr<PgConnection>> open_moment(const std::string& address) {
  std::unique_ptr<PgConnection> session =
      KB_TRY(PgConnection::open({.address = address, .answer_timeout = kAnswerTimeout}));
  KB_TRY(check_up_to_date(*session));
  KB_TRY(session->script(
      "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0; "
      "SET LOCAL idle_in_transaction_session_timeout = 0"));
  return session;
}

void bind_columns(Query& query, const Row& row, std::string_view types) {
  for (std::size_t i = 0; i < types.size(); ++i) {
    const int column = static_cast<int>(i);
    if (row.is_null(column)) {
      query.bind_null(column + 1);
    } else if (types[i] == 'i') {
      query.bind(column + 1, row.integer(column));
    } else if (types[i] == 't') {
      query.bind(column + 1, row.text(column));
    } else {
      query.bind(column + 1, row.octets(column));
    }
  }
}

// What counts along is copied, and must not count again.
Result<std::vector<std::pair<std::string, std::string>>> triggers_of(Database& db) {
  std::vector<std::pair<std::string, std::string>> found;
  Query query =
      KB_TRY(db.query("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name"));
  for (bool more = KB_TRY(query.step()); more; more = KB_TRY(query.step())) {
    found.emplace_back(query.text(0), query.text(1));
  }
  return found;
}

Result<std::int64_t> number_of(PgConnection& db, std::string_view sql) {
  const std::size_t place = db.add(sql);
  const std::vector<PgRows> answers = KB_TRY(db.run());
  const bool found = answers[place].count() == 1 && !answers[place].at(0).is_null(0);
  return found ? answers[place].at(0).integer(0) : 0;
}

// Entries that wait have a number of the database's own; in a file they have the place that comes
// next.
class AsInAFile final : public RowSink {
 public:
  AsInAFile(RowSink& sink, std::int64_t first) : sink_(sink), place_(first) {}
  void row(std::string_view table, ByteView columns) override {
    if (table != "audit_waiting") {
      sink_.row(table, columns);
      return;
    }
    constexpr std::size_t kInteger = 9;  // 01 and eight octets
    ByteWriter out;
    out.u8(1).u64(static_cast<std::uint64_t>(place_++)).bytes(columns.subspan(kInteger));
    sink_.row(table, out.take());
  }

 private:
  RowSink& sink_;
  std::int64_t place_;
};

Result<void> read_as_in_a_file(PgConnection& db, RowSink& sink) {
  const std::int64_t size = KB_TRY(number_of(db, "SELECT size FROM audit_log"));
  AsInAFile numbered(sink, size);
  return read_rows(db, numbered);
}

}  // namespace

Result<OrderExport> OrderExport::open(const std::string& address,
                                      const std::filesystem::path& file) {
  std::unique_ptr<PgConnection> source = KB_TRY(open_moment(address));
  Database target = KB_TRY(Database::open(
      {.path = file, .application_id = kOrderApplicationId, .migrations = kOrderMigrations}));
  KB_TRY(target.run("PRAGMA journal_mode=DELETE; BEGIN IMMEDIATE"));
  return OrderExport(std::move(source), std::make_unique<Database>(std::move(target)));
}

Result<void> OrderExport::copy() {
  const auto triggers = KB_TRY(triggers_of(*target_));
  for (const auto& [name, sql] : triggers) {
    KB_TRY(target_->run(("DROP TRIGGER " + name).c_str()));
  }
  // The log that comes has a beginning of its own.
  KB_TRY(target_->run("DELETE FROM audit_entries"));
  std::int64_t place = KB_TRY(number_of(*source_, "SELECT size FROM audit_log"));
  for (const OrderTable& table : order_tables()) {
    // SQLite keeps entries that wait for their place behind those that have one.
    const bool waits = table.name == "audit_waiting";
    const std::string_view insert =
        waits ? std::string_view("INSERT INTO audit_entries(place, entry) VALUES (?1, ?2)")
              : table.insert;
    const RowReader put = [&](const Row& row) -> Result<void> {
      Query query = KB_TRY(target_->query(insert));
      bind_columns(query, row, table.types);
      if (waits) {
        query.bind(1, place++);
      }
      return query.run();
    };
    KB_TRY(read_rows(*source_, table, put));
  }
  KB_TRY(copy_counters());
  for (const auto& [name, sql] : triggers) {
    KB_TRY(target_->run(sql.c_str()));
  }
  return {};
}

// Behind every cursor that a provider or an agent holds.
Result<void> OrderExport::copy_counters() {
  const std::int64_t change = KB_TRY(number_of(*source_, "SELECT max(value) FROM changes"));
  const std::int64_t arrival = KB_TRY(number_of(
      *source_,
      "SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM arrivals"));
  const std::string counters = "UPDATE counters SET value = " + std::to_string(change) +
                               " WHERE name = 'change'; DELETE FROM sqlite_sequence WHERE name = "
                               "'attempts'; INSERT INTO sqlite_sequence VALUES ('attempts', " +
                               std::to_string(arrival) + ")";
  return target_->run(counters.c_str());
}

Result<void> OrderExport::read_source(RowSink& sink) { return read_as_in_a_file(*source_, sink); }

Result<void> OrderExport::read_target(RowSink& sink) { return read_rows(*target_, sink); }

Result<void> OrderExport::finish() {
  KB_TRY(target_->run("COMMIT"));
  KB_TRY(target_->check_whole());
  target_.reset();
  return {};
}

Result<void> read_order_database(const std::string& address, RowSink& sink) {
  const std::unique_ptr<PgConnection> session = KB_TRY(open_moment(address));
  return read_as_in_a_file(*session, sink);
}

Result<void> read_order_file(const std::filesystem::path& file, RowSink& sink) {
  OrderFile opened = KB_TRY(OrderFile::open(file));
  if (opened.version() != OrderFile::current_version()) {
    return std::unexpected(older_file());
  }
  KB_TRY(opened.database().run("BEGIN"));
  return read_rows(opened.database(), sink);
}

}  // namespace kagibin::store
