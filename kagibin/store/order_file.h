// SPDX-License-Identifier: Apache-2.0
// A distributor's SQLite file as a whole: to copy it, and to see that it is in order.
//
// Distributors go on meanwhile: a copy is the file at one moment. Files of an older version are
// copied as they are; a newer version's and other programs' are refused, as is one whose orders
// went to a database. Failures as in store_failure.h; kNotFound: there is no such file.
//
//   const OrderFile file = KB_TRY(OrderFile::open("orders.sqlite3"));
//   KB_TRY(file.copy_to(part));
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "kagibin/base/result.h"
#include "kagibin/store/database.h"

namespace kagibin::store {

class OrderFile {
 public:
  static Result<OrderFile> open(const std::filesystem::path& path);

  // Of its schema, and of this program's.
  std::int64_t version() const { return version_; }
  static std::int64_t current_version();
  // As Database::copy_to().
  Result<void> copy_to(const std::filesystem::path& file) { return db_->copy_to(file); }
  Result<void> check_whole() { return db_->check_whole(); }
  Database& database() { return *db_; }

 private:
  OrderFile(std::unique_ptr<Database> db, std::int64_t version)
      : db_(std::move(db)), version_(version) {}

  std::unique_ptr<Database> db_;
  std::int64_t version_;
};

}  // namespace kagibin::store
