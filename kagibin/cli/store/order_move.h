// SPDX-License-Identifier: Apache-2.0
// All rows of a SQLite file into an empty PostgreSQL database: copied, read back from both ends,
// and committed only when they are the same (store/postgres/order_migration.h).
//
//   const OrderMove moved = KB_TRY(move_orders(file, address, Source::kMoved));
#pragma once

#include <filesystem>
#include <string>

#include "kagibin/base/result.h"
#include "kagibin/cli/store/row_digests.h"
#include "kagibin/store/postgres/order_migration.h"

namespace kagibin::cli {

struct OrderMove {
  RowDigests::Tables rows{};
  bool before = false;  // by an earlier run whose end was not heard
};

Result<OrderMove> move_orders(const std::filesystem::path& file,
                              const std::string& address,
                              store::OrderMigration::Source kind);

}  // namespace kagibin::cli
