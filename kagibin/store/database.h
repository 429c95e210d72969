// SPDX-License-Identifier: Apache-2.0
// One SQLite file: opening, schema versions, prepared statements, transactions. For store/ only.
//
// Opened with journal_mode WAL and synchronous FULL, so that what was committed outlives a loss of
// power; created with mode 0600. A file of another program or of a newer version is refused
// (kConflict, kNotSupported). A second process may write between our transactions; we wait up to
// busy_timeout_ms for it. Failures (store_failure.h): kNoSpace (disk full, a limit on the file's
// size, or max_pages), kIo, kConflict (constraint), kInterrupted (still busy), kStore (damaged).
// Thread-safety: one thread at a time.
//
//   Database db = KB_TRY(Database::open({.path = path, .application_id = id, .migrations = all}));
//   Transaction t = KB_TRY(Transaction::begin(db));
//   Query q = KB_TRY(db.query("INSERT INTO orders(id) VALUES(?1)"));
//   KB_TRY(q.bind(1, id).run());
//   KB_TRY(t.commit());
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/store/row.h"

struct sqlite3;
struct sqlite3_stmt;

namespace kagibin::store {

// One use of a prepared statement; the statement is reset when this goes. Text and octets that are
// bound must live until then.
class Query final : public Row {
 public:
  explicit Query(sqlite3_stmt* statement) : statement_(statement) {}
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  Query(Query&& other) noexcept;
  Query& operator=(Query&&) = delete;
  ~Query() override;

  // Parameters ?1, ?2, ... A failure to bind comes out of the next step.
  Query& bind(int index, std::int64_t value);
  Query& bind(int index, std::string_view text);
  Query& bind(int index, ByteView octets);
  Query& bind_null(int index);

  // True when there is a row to read, false at the end.
  Result<bool> step();
  // For statements without rows.
  Result<void> run();

  // Views live until the next step.
  std::int64_t integer(int column) const override;
  std::string_view text(int column) const override;
  ByteView octets(int column) const override;
  bool is_null(int column) const override;

 private:
  sqlite3_stmt* statement_;
  int failed_ = 0;
};

class Database {
 public:
  struct Options {
    std::filesystem::path path;
    std::int32_t application_id = 0;
    // Instead of application_id in a file whose rows went elsewhere, which is refused as such.
    std::int32_t moved_application_id = 0;
    // Scripts that lead from one schema version to the next; the first makes version 1.
    std::span<const std::string_view> migrations{};
    // Largest size in pages of 4,096 octets; a full file answers kNoSpace as a full disk does.
    std::optional<std::uint32_t> max_pages{};
    int busy_timeout_ms = 5'000;
    // To read a file that is there: it is neither made nor migrated, and an older version is
    // refused (kNotSupported).
    bool read_only = false;
    bool older_too = false;  // to one who reads: an older version is not refused
  };
  static Result<Database> open(const Options& options);

  // `sql` must be a literal: statements are kept by it.
  Result<Query> query(std::string_view sql);
  // The version of the file's schema; 0: the file is empty.
  Result<std::int64_t> version(const Options& options);
  // Runs one or several statements without parameters.
  Result<void> run(const char* sql);
  // Runs one without parameters that is kept as query()'s are.
  Result<void> run_kept(std::string_view sql);
  // Copies all of it, as it is at this moment, into a file that is there and is nobody else's;
  // others write meanwhile. The copy is one file, without a log beside it, and durable. kStore when
  // the copy is not whole.
  Result<void> copy_to(const std::filesystem::path& file);
  // Every page, index and reference; kStore when something is wrong.
  Result<void> check_whole();
  bool in_transaction() const;
  std::int64_t changes() const;

 private:
  struct Close {
    void operator()(sqlite3* db) const;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Database(std::unique_ptr<sqlite3, Close> db) : db_(std::move(db)) {}
  Result<void> migrate(const Options& options);
  Result<void> check_up_to_date(const Options& options);

  std::unique_ptr<sqlite3, Close> db_;
  std::map<const char*, std::unique_ptr<sqlite3_stmt, Finalize>> statements_;
};

// Takes the write lock at once; rolls back when it goes uncommitted. One within another is a part
// of it: it rolls back by itself, and what it commits is durable with the outer one.
class Transaction {
 public:
  static Result<Transaction> begin(Database& db);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Transaction(Transaction&& other) noexcept
      : db_(std::exchange(other.db_, nullptr)), is_part_(other.is_part_) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  // kStore when SQLite has rolled back already, after an error inside.
  Result<void> commit();

 private:
  Transaction(Database& db, bool is_part) : db_(&db), is_part_(is_part) {}
  Database* db_;
  bool is_part_;
};

}  // namespace kagibin::store
