// SPDX-License-Identifier: Apache-2.0
#include "bench/raw_store.h"

#include <array>
#include <span>
#include <string_view>

#include <libpq-fe.h>
#include <sqlite3.h>

#include "kagibin/base/result.h"
#include "kagibin/store/order_store_sqlite.h"
#include "kagibin/store/postgres/order_store_postgres.h"

namespace kagibin::bench {
namespace {

using Message = std::array<char, kRawMessageBytes>;

const Message& message() {
  static const Message octets = [] {
    Message made{};
    made.fill('\x5A');
    return made;
  }();
  return octets;
}

sqlite3_stmt* prepare(sqlite3* db, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  KB_CHECK(sqlite3_prepare_v2(db, sql, -1, &statement, nullptr) == SQLITE_OK);
  return statement;
}

void run(sqlite3_stmt* statement) {
  KB_CHECK(sqlite3_step(statement) == SQLITE_DONE);
  KB_CHECK(sqlite3_reset(statement) == SQLITE_OK);
}

void run(pg_conn* connection, const char* sql) {
  PGresult* result = PQexec(connection, sql);
  KB_CHECK(PQresultStatus(result) == PGRES_COMMAND_OK);
  PQclear(result);
}

using Statements = std::span<const char* const>;

// Parameter 1 is a name, 2 the message, 3 a number. A unit's provider is a constant.
Statements sqlite_statements(RawKind kind) {
#define KB_PROVIDER "X'AA000000000000000000000000000000'"
  static constexpr std::array kRow = {"INSERT INTO raw VALUES (?1, 'phone', ?2)"};
  static constexpr std::array kUnit = {
      "INSERT INTO orders(provider, id, device, not_after, state, current_attempt, created_at) "
      "VALUES (" KB_PROVIDER ", ?1, 'phone-' || ?1, 1800086400, 'ordered', 1, 1800000000)",
      "INSERT INTO attempts(provider, order_id, number, device, not_after, kind, state, opening, "
      "change) VALUES (" KB_PROVIDER
      ", ?1, 1, 'phone-' || ?1, 1800086400, 'enrol', 'ordered', "
      "substr(?2, 1, 256), ?3)",
      "INSERT INTO audit_entries(entry) VALUES (substr(?2, 1, 160))",
      "INSERT INTO audit_entries(entry) VALUES (substr(?2, 1, 160))",
      "INSERT INTO order_history VALUES (" KB_PROVIDER
      ", ?1, 1, 1800000000, 'order', 0, 'ordered', 'ordered', 0)",
      "INSERT INTO order_history VALUES (" KB_PROVIDER
      ", ?1, 2, 1800000000, 'attempt', 1, 'ordered', 'ordered', 0)",
  };
#undef KB_PROVIDER
  return kind == RawKind::kRow ? Statements(kRow) : Statements(kUnit);
}

Statements postgres_statements(RawKind kind) {
#define KB_PROVIDER "'\\xAA000000000000000000000000000000'::bytea"
  static constexpr std::array kRow = {"INSERT INTO raw VALUES ($1, 'phone', $2)"};
  static constexpr std::array kUnit = {
      "INSERT INTO orders(provider, id, device, not_after, state, current_attempt, created_at) "
      "VALUES (" KB_PROVIDER ", $1, 'phone-' || $1, 1800086400, 'ordered', 1, 1800000000)",
      "INSERT INTO attempts(provider, order_id, number, device, not_after, kind, state, opening, "
      "receipts, change) VALUES (" KB_PROVIDER
      ", $1, 1, 'phone-' || $1, 1800086400, 'enrol', "
      "'ordered', substr($2, 1, 256), 0, $3)",
      "INSERT INTO audit_waiting(entry) VALUES (substr($2, 1, 160))",
      "INSERT INTO audit_waiting(entry) VALUES (substr($2, 1, 160))",
      "INSERT INTO order_history VALUES (" KB_PROVIDER
      ", $1, 1, 1800000000, 'order', 0, 'ordered', 'ordered', 0)",
      "INSERT INTO order_history VALUES (" KB_PROVIDER
      ", $1, 2, 1800000000, 'attempt', 1, 'ordered', 'ordered', 0)",
  };
#undef KB_PROVIDER
  return kind == RawKind::kRow ? Statements(kRow) : Statements(kUnit);
}

}  // namespace

double RawStore::rate(int count, std::chrono::duration<double> time) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  std::uint64_t done = 0;
  std::chrono::duration<double> passed{};
  do {
    commit(count);
    done += static_cast<std::uint64_t>(count);
    passed = Clock::now() - begin;
  } while (passed < time);
  return static_cast<double>(done) / passed.count();
}

RawSqlite::RawSqlite(const std::filesystem::path& path, RawKind kind) {
  if (kind == RawKind::kUnit) {
    KB_CHECK(store::open_order_store({.path = path}).has_value());
  }
  KB_CHECK(sqlite3_open(path.c_str(), &db_) == SQLITE_OK);
  KB_CHECK(sqlite3_exec(db_, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", nullptr, nullptr,
                        nullptr) == SQLITE_OK);
  if (kind == RawKind::kRow) {
    KB_CHECK(sqlite3_exec(db_,
                          "CREATE TABLE raw(name TEXT NOT NULL PRIMARY KEY, device TEXT NOT NULL, "
                          "message BLOB NOT NULL) STRICT",
                          nullptr, nullptr, nullptr) == SQLITE_OK);
  }
  for (const char* const sql : sqlite_statements(kind)) {
    inserts_.push_back(prepare(db_, sql));
  }
  begin_ = prepare(db_, "BEGIN IMMEDIATE");
  end_ = prepare(db_, "COMMIT");
}

RawSqlite::~RawSqlite() {
  for (sqlite3_stmt* statement : inserts_) {
    sqlite3_finalize(statement);
  }
  sqlite3_finalize(begin_);
  sqlite3_finalize(end_);
  sqlite3_close(db_);
}

void RawSqlite::commit(int count) {
  run(begin_);
  for (int i = 0; i < count; ++i) {
    const std::uint64_t number = next_number();
    const std::string name = name_of(number);
    for (sqlite3_stmt* const insert : inserts_) {
      const int parameters = sqlite3_bind_parameter_count(insert);
      sqlite3_bind_text(insert, 1, name.data(), static_cast<int>(name.size()), SQLITE_STATIC);
      if (parameters >= 2) {
        sqlite3_bind_blob(insert, 2, message().data(), static_cast<int>(message().size()),
                          SQLITE_STATIC);
      }
      if (parameters >= 3) {
        sqlite3_bind_int64(insert, 3, static_cast<sqlite3_int64>(number));
      }
      run(insert);
    }
  }
  run(end_);
}

std::string another_database(const std::string& address, const std::string& name) {
  pg_conn* const connection = PQconnectdb(address.c_str());
  KB_CHECK(PQstatus(connection) == CONNECTION_OK);
  run(connection, ("CREATE DATABASE " + name).c_str());
  PQfinish(connection);
  constexpr std::string_view kFirst = "/postgres?";
  std::string out = address;
  out.replace(out.find(kFirst), kFirst.size(), "/" + name + "?");
  return out;
}

RawPostgres::RawPostgres(const std::string& address, RawKind kind) {
  // Units lie in a database of their own, beside that of the distributor.
  const bool units = kind == RawKind::kUnit;
  const std::string own = units ? another_database(address, "raw_units") : address;
  KB_CHECK(!units || store::open_order_store_postgres({.address = own}).has_value());
  connection_ = PQconnectdb(own.c_str());
  KB_CHECK(PQstatus(connection_) == CONNECTION_OK);
  run(connection_, "SET client_min_messages=error");
  if (units) {
    run(connection_, "SET search_path = kagibin");
  } else {
    run(connection_, "DROP TABLE IF EXISTS raw");
    run(connection_,
        "CREATE TABLE raw(name TEXT NOT NULL PRIMARY KEY, device TEXT NOT NULL, "
        "message BYTEA NOT NULL)");
  }
  prepare("begin", "BEGIN", 0);
  prepare("commit", "COMMIT", 0);
  for (const char* const sql : postgres_statements(kind)) {
    inserts_.push_back("insert" + std::to_string(inserts_.size()));
    prepare(inserts_.back().c_str(), sql, 3);
  }
  KB_CHECK(PQenterPipelineMode(connection_) == 1);
}

RawPostgres::~RawPostgres() { PQfinish(connection_); }

void RawPostgres::prepare(const char* name, const char* sql, int parameters) {
  constexpr std::array<Oid, 3> kTypes = {25, 17, 20};  // text, bytea, bigint
  PGresult* result = PQprepare(connection_, name, sql, parameters, kTypes.data());
  KB_CHECK(PQresultStatus(result) == PGRES_COMMAND_OK);
  PQclear(result);
}

// Without a name there are no parameters.
void RawPostgres::add(const char* statement, const std::string& name, const std::string& number) {
  const std::array<const char*, 3> values = {name.data(), message().data(), number.data()};
  const std::array<int, 3> lengths = {static_cast<int>(name.size()),
                                      static_cast<int>(message().size()), 0};
  const std::array<int, 3> binary = {0, 1, 0};
  const int parameters = name.empty() ? 0 : 3;
  KB_CHECK(PQsendQueryPrepared(connection_, statement, parameters, values.data(), lengths.data(),
                               binary.data(), 1) == 1);
}

void RawPostgres::commit(int count) {
  add("begin", "", "");
  for (int i = 0; i < count; ++i) {
    const std::uint64_t number = next_number();
    for (const std::string& insert : inserts_) {
      add(insert.c_str(), name_of(number), std::to_string(number));
    }
  }
  add("commit", "", "");
  KB_CHECK(PQpipelineSync(connection_) == 1);
  const int awaited = count * static_cast<int>(inserts_.size()) + 3;
  for (int answers = 0; answers < awaited;) {
    PGresult* result = PQgetResult(connection_);
    if (result == nullptr) {
      continue;  // between two statements
    }
    const ExecStatusType status = PQresultStatus(result);
    KB_CHECK(status == PGRES_COMMAND_OK || status == PGRES_PIPELINE_SYNC);
    PQclear(result);
    ++answers;
  }
}

}  // namespace kagibin::bench
