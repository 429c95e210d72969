// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/postgres/postgres_schema.h"

#include <string>

#include "kagibin/store/postgres/order_schema_postgres.h"
#include "kagibin/store/postgres/pg_failure.h"

namespace kagibin::store {
namespace {

// The lock's number is "KBO1", as the SQLite file's application_id.
constexpr const char* kBegin = "BEGIN; SELECT pg_advisory_xact_lock(1262636849);";
constexpr const char* kFirst =
    "CREATE SCHEMA IF NOT EXISTS kagibin; CREATE TABLE kagibin.schema_version (version bigint "
    "NOT NULL, only_row boolean NOT NULL DEFAULT true PRIMARY KEY CHECK (only_row)); "
    "INSERT INTO kagibin.schema_version VALUES (0);";

enum class Found : std::uint8_t { kNothing, kForeign, kStore };

Result<Found> look(PgConnection& db) {
  const std::size_t place = db.add(
      "SELECT to_regclass('kagibin.schema_version') IS NOT NULL, EXISTS (SELECT 1 FROM "
      "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      "WHERE n.nspname = 'kagibin')");
  const std::vector<PgRows> answers = KB_TRY(db.run());
  if (answers[place].at(0).integer(0) != 0) {
    return Found::kStore;
  }
  return answers[place].at(0).integer(1) != 0 ? Found::kForeign : Found::kNothing;
}

Result<std::int64_t> version_of(PgConnection& db) {
  const std::size_t place = db.add("SELECT version FROM kagibin.schema_version");
  const std::vector<PgRows> answers = KB_TRY(db.run());
  if (answers[place].count() != 1) {
    return std::unexpected(foreign_database());
  }
  return answers[place].at(0).integer(0);
}

Result<void> check_server(PgConnection& db) {
  const std::size_t place = db.add(
      "SELECT current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on'");
  const std::vector<PgRows> answers = KB_TRY(db.run());
  if (answers[place].at(0).integer(0) == 0) {
    return std::unexpected(careless_server());
  }
  return {};
}

Result<void> migrate(PgConnection& db) {
  const Found found = KB_TRY(look(db));
  if (found == Found::kForeign) {
    return std::unexpected(foreign_database());
  }
  if (found == Found::kNothing) {
    KB_TRY(db.script(kFirst));
  }
  const std::int64_t version = KB_TRY(version_of(db));
  const auto known = static_cast<std::int64_t>(kPostgresMigrations.size());
  if (version > known) {
    return std::unexpected(newer_database());
  }
  for (auto next = static_cast<std::size_t>(version); next < kPostgresMigrations.size(); ++next) {
    KB_TRY(db.script(std::string(kPostgresMigrations[next])));
  }
  return db.script("UPDATE kagibin.schema_version SET version = " + std::to_string(known));
}

}  // namespace

Result<void> check_up_to_date(PgConnection& db) {
  const Found found = KB_TRY(look(db));
  if (found == Found::kForeign) {
    return std::unexpected(foreign_database());
  }
  const std::int64_t version = found == Found::kNothing ? 0 : KB_TRY(version_of(db));
  const auto known = static_cast<std::int64_t>(kPostgresMigrations.size());
  if (version > known) {
    return std::unexpected(newer_database());
  }
  return version == known ? Result<void>() : std::unexpected(older_database());
}

Result<void> bring_up_to_date(PgConnection& db) {
  KB_TRY(check_server(db));
  const Found found = KB_TRY(look(db));
  if (found == Found::kStore) {
    // Whoever only uses the store needs no right to change its schema.
    const std::int64_t version = KB_TRY(version_of(db));
    if (version == static_cast<std::int64_t>(kPostgresMigrations.size())) {
      return {};
    }
  }
  KB_TRY(db.script(kBegin));
  const Result<void> done = migrate(db);
  const Result<void> ended = db.script(done ? "COMMIT" : "ROLLBACK");
  return done ? ended : done;
}

}  // namespace kagibin::store
