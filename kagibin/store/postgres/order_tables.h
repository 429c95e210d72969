// SPDX-License-Identifier: Apache-2.0
// The tables of a distributor's store, as both databases have them: to copy and to compare a whole
// store. For store/postgres only.
//
//   for (const OrderTable& table : order_tables()) { ... }
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "kagibin/base/result.h"
#include "kagibin/store/database.h"
#include "kagibin/store/postgres/order_migration.h"
#include "kagibin/store/postgres/pg_connection.h"
#include "kagibin/store/row.h"

namespace kagibin::store {

// Columns as they are named in both stores; types: i integer, t text, b octets. All sort by octets.
struct OrderTable {
  std::string_view name;
  std::string_view read;    // of SQLite
  std::string_view cursor;  // of PostgreSQL
  std::string_view fetch;
  std::string_view insert;
  std::string_view types;
};
// In an order in which each may be filled.
std::span<const OrderTable> order_tables();

using RowReader = std::function<Result<void>(const Row& row)>;
// Within a transaction.
Result<void> read_rows(Database& file, RowSink& sink);
Result<void> read_rows(PgConnection& database, RowSink& sink);
Result<void> read_rows(PgConnection& database, const OrderTable& table, const RowReader& reader);

}  // namespace kagibin::store
