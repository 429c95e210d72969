// SPDX-License-Identifier: Apache-2.0
// A distributor's orders, from its SQLite file into an empty PostgreSQL store: all or nothing.
//
// A file that is moved is held for writing from open() to finish(), so that no distributor changes
// it meanwhile; afterwards it is marked as moved, and no distributor takes it again. One that is
// kept (a backup that is restored) is read only, and has to be of this version. The database is
// changed in one transaction. Both ends can be read back row by row in one canonical form, for the
// caller to compare (no cryptography here). Failures as in store_failure.h and pg_failure.h;
// kConflict: the database holds orders already, or the file was moved before.
//
//   OrderMigration migration = KB_TRY(OrderMigration::open(file, address));
//   KB_TRY(migration.copy());
//   KB_TRY(migration.read_source(sink));  KB_TRY(migration.read_target(sink));  // the same rows?
//   KB_TRY(migration.finish());
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "kagibin/base/result.h"
#include "kagibin/store/database.h"
#include "kagibin/store/postgres/pg_connection.h"

namespace kagibin::store {

// Takes rows, table by table, in the order of their keys.
class RowSink {
 public:
  RowSink() = default;
  RowSink(const RowSink&) = delete;
  RowSink& operator=(const RowSink&) = delete;
  virtual ~RowSink() = default;
  // Each column: 00 for null, else 01 and eight octets of an integer, 02 and a length of four
  // octets before text, 03 likewise before octets.
  virtual void row(std::string_view table, ByteView columns) = 0;
};

class OrderMigration {
 public:
  enum class Source : std::uint8_t { kMoved, kKept };
  static Result<OrderMigration> open(const std::filesystem::path& file,
                                     const std::string& address,
                                     Source kind = Source::kMoved);

  // True when the database holds orders, or anything else.
  Result<bool> target_is_used();
  // Adds to an empty database.
  Result<void> copy();
  Result<void> read_source(RowSink& sink);
  Result<void> read_target(RowSink& sink);
  // Commits the database, then marks a file that is moved. kInterrupted: do it all again.
  Result<void> finish();

 private:
  OrderMigration(Source kind,
                 std::unique_ptr<Database> source,
                 std::unique_ptr<PgConnection> target)
      : kind_(kind), source_(std::move(source)), target_(std::move(target)) {}

  Source kind_;
  std::unique_ptr<Database> source_;
  std::unique_ptr<PgConnection> target_;
};

}  // namespace kagibin::store
