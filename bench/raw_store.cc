// SPDX-License-Identifier: Apache-2.0
#include "bench/raw_store.h"

#include <array>
#include <vector>

#include <libpq-fe.h>
#include <sqlite3.h>

#include "kagibin/base/result.h"

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

}  // namespace

double RawStore::rate(int rows, std::chrono::duration<double> time) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  std::uint64_t done = 0;
  std::chrono::duration<double> passed{};
  do {
    commit(rows);
    done += static_cast<std::uint64_t>(rows);
    passed = Clock::now() - begin;
  } while (passed < time);
  return static_cast<double>(done) / passed.count();
}

RawSqlite::RawSqlite(const std::filesystem::path& path) {
  KB_CHECK(sqlite3_open(path.c_str(), &db_) == SQLITE_OK);
  KB_CHECK(sqlite3_exec(db_,
                        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                        "CREATE TABLE raw(name TEXT NOT NULL PRIMARY KEY, device TEXT NOT NULL, "
                        "message BLOB NOT NULL) STRICT",
                        nullptr, nullptr, nullptr) == SQLITE_OK);
  insert_ = prepare(db_, "INSERT INTO raw VALUES (?1, 'phone', ?2)");
  begin_ = prepare(db_, "BEGIN IMMEDIATE");
  end_ = prepare(db_, "COMMIT");
}

RawSqlite::~RawSqlite() {
  for (sqlite3_stmt* statement : {insert_, begin_, end_}) {
    sqlite3_finalize(statement);
  }
  sqlite3_close(db_);
}

void RawSqlite::commit(int rows) {
  run(begin_);
  for (int i = 0; i < rows; ++i) {
    const std::string name = next_name();
    sqlite3_bind_text(insert_, 1, name.data(), static_cast<int>(name.size()), SQLITE_STATIC);
    sqlite3_bind_blob(insert_, 2, message().data(), static_cast<int>(message().size()),
                      SQLITE_STATIC);
    run(insert_);
  }
  run(end_);
}

RawPostgres::RawPostgres(const std::string& address) : connection_(PQconnectdb(address.c_str())) {
  KB_CHECK(PQstatus(connection_) == CONNECTION_OK);
  run(connection_, "SET client_min_messages=error");
  run(connection_, "DROP TABLE IF EXISTS raw");
  run(connection_,
      "CREATE TABLE raw(name TEXT NOT NULL PRIMARY KEY, device TEXT NOT NULL, "
      "message BYTEA NOT NULL)");
  const std::array<std::array<const char*, 2>, 3> statements = {{
      {"row", "INSERT INTO raw VALUES ($1, 'phone', $2)"},
      {"begin", "BEGIN"},
      {"commit", "COMMIT"},
  }};
  for (const auto& [name, sql] : statements) {
    PGresult* result = PQprepare(connection_, name, sql, 0, nullptr);
    KB_CHECK(PQresultStatus(result) == PGRES_COMMAND_OK);
    PQclear(result);
  }
  KB_CHECK(PQenterPipelineMode(connection_) == 1);
}

RawPostgres::~RawPostgres() { PQfinish(connection_); }

void RawPostgres::add(const char* statement,
                      int count,
                      const char* const* values,
                      const int* lengths) {
  const std::array<int, 2> binary = {1, 1};
  KB_CHECK(PQsendQueryPrepared(connection_, statement, count, values, lengths, binary.data(), 1) ==
           1);
}

void RawPostgres::commit(int rows) {
  add("begin", 0, nullptr, nullptr);
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(rows));
  for (int i = 0; i < rows; ++i) {
    names.push_back(next_name());
    const std::array<const char*, 2> values = {names.back().data(), message().data()};
    const std::array<int, 2> lengths = {static_cast<int>(names.back().size()),
                                        static_cast<int>(message().size())};
    add("row", 2, values.data(), lengths.data());
  }
  add("commit", 0, nullptr, nullptr);
  KB_CHECK(PQpipelineSync(connection_) == 1);
  for (int answers = 0; answers < rows + 3;) {
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
