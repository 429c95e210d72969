// SPDX-License-Identifier: Apache-2.0
// The rows that a statement answered, in PostgreSQL's binary format. For store/postgres only.
//
// integer() reads bigint, integer and boolean columns. Ownership: owns libpq's result; rows and
// views live as long as it.
//
//   for (int i = 0; i < rows.count(); ++i) { const AttemptRow a = KB_TRY(read_attempt(rows.at(i)));
//   }
#pragma once

#include <memory>

#include "kagibin/store/row.h"

struct pg_result;

namespace kagibin::store {

class PgRow final : public Row {
 public:
  PgRow(const pg_result* result, int row) : result_(result), row_(row) {}
  std::int64_t integer(int column) const override;
  std::string_view text(int column) const override;
  ByteView octets(int column) const override;
  bool is_null(int column) const override;

 private:
  const pg_result* result_;
  int row_;
};

class PgRows {
 public:
  explicit PgRows(pg_result* result) : result_(result) {}
  int count() const;
  PgRow at(int row) const { return {result_.get(), row}; }
  // Of INSERT, UPDATE and DELETE.
  std::int64_t rows_changed() const;
  // "COMMIT", "ROLLBACK", "INSERT 0 1", ...
  std::string_view what_was_done() const;

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

}  // namespace kagibin::store
