// SPDX-License-Identifier: Apache-2.0
// A backup of the distributors' common store: one moment of the database, as the SQLite file that a
// distributor would serve.
//
// Distributors go on meanwhile. Both ends can be read back in one canonical form and compared, as
// in a migration. The file is whole and durable after finish(), and nothing before. Failures as in
// pg_failure.h and store_failure.h.
//
//   OrderExport out = KB_TRY(OrderExport::open(address, part));
//   KB_TRY(out.copy());
//   KB_TRY(out.read_source(sink));  KB_TRY(out.read_target(sink));  // the same rows?
//   KB_TRY(out.finish());
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "kagibin/base/result.h"
#include "kagibin/store/database.h"
#include "kagibin/store/postgres/order_migration.h"
#include "kagibin/store/postgres/pg_connection.h"

namespace kagibin::store {

class OrderExport {
 public:
  // `file` is there, empty, and nobody else's.
  static Result<OrderExport> open(const std::string& address, const std::filesystem::path& file);

  Result<void> copy();
  Result<void> read_source(RowSink& sink);
  Result<void> read_target(RowSink& sink);
  Result<void> finish();

 private:
  OrderExport(std::unique_ptr<PgConnection> source, std::unique_ptr<Database> target)
      : source_(std::move(source)), target_(std::move(target)) {}
  Result<void> copy_counters();

  std::unique_ptr<PgConnection> source_;
  std::unique_ptr<Database> target_;
};

// The rows of a database at one moment, and of a file of this version.
Result<void> read_order_database(const std::string& address, RowSink& sink);
Result<void> read_order_file(const std::filesystem::path& file, RowSink& sink);

}  // namespace kagibin::store
