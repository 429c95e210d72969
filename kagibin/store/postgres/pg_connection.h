// SPDX-License-Identifier: Apache-2.0
// One session with a PostgreSQL server: statements are collected and go out together in libpq's
// pipeline mode, so that any number of them costs one round trip. For store/postgres only.
//
// Statements are prepared at their first use and kept by their literal: connect to the server or to
// a pooler of sessions, not to one of transactions. The server's part of every wait is bounded
// (lock_timeout, statement_timeout), and ours: an answer that is late ends the session. Failures as
// in pg_failure.h. Thread-safety: one thread at a time.
//
//   auto db = KB_TRY(PgConnection::open({.address = "postgresql:///kagibin"}));
//   db->add("INSERT INTO orders(id) VALUES ($1)", PgParameters().text("a"));
//   const std::vector<PgRows> answers = KB_TRY(db->run());
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/result.h"
#include "kagibin/store/postgres/pg_parameters.h"
#include "kagibin/store/postgres/pg_rows.h"

struct pg_conn;

namespace kagibin::store {

// kInvalidArgument unless libpq reads it, and when it has a password in it.
Result<void> check_address(const std::string& address);

class PgConnection {
 public:
  struct Options {
    std::string address;  // a URI or keywords, as libpq reads them
    std::chrono::milliseconds connect_timeout{3'000};
    std::chrono::milliseconds answer_timeout{20'000};
  };
  static Result<std::unique_ptr<PgConnection>> open(const Options& options);
  PgConnection(const PgConnection&) = delete;
  PgConnection& operator=(const PgConnection&) = delete;
  ~PgConnection();

  // Adds to what goes out with the next run; returns its place there. `sql` must be a literal.
  std::size_t add(std::string_view sql, PgParameters parameters = {});

  // Sends what was added. After a failure the server has passed over the rest; `rows` are those of
  // the statements before it.
  struct Outcome {
    std::vector<PgRows> rows{};
    std::optional<Error> failure{};
  };
  Outcome run_until_failure();
  Result<std::vector<PgRows>> run();

  // Several statements without parameters and without answers.
  Result<void> script(const std::string& sql);

  // False when the session is over: another one has to be opened.
  bool alive() const;
  // What NOTIFY of other sessions brought. Does not wait.
  std::vector<std::string> notifications();
  std::uint64_t round_trips() const { return round_trips_; }

 private:
  struct Close {
    void operator()(pg_conn* connection) const;
  };
  struct Statement {
    std::string_view sql;
    PgParameters parameters;
  };
  using Deadline = std::chrono::steady_clock::time_point;
  explicit PgConnection(const Options& options) : options_(options) {}

  Result<void> connect();
  Result<void> wait(bool for_writing, Deadline deadline);
  // False when the session failed.
  bool send(const Statement& statement, std::vector<std::string_view>& to_prepare);
  Result<pg_result*> next_result(Deadline deadline);
  Result<void> flush(Deadline deadline);
  Error lose();

  Options options_;
  std::unique_ptr<pg_conn, Close> connection_;
  std::vector<Statement> waiting_;
  std::map<const char*, std::string> prepared_;
  std::uint64_t round_trips_ = 0;
  bool lost_ = false;
};

}  // namespace kagibin::store
