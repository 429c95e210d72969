// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/store/order_move.h"

#include "kagibin/store/postgres/order_store_postgres.h"
#include "kagibin/store/postgres/pg_failure.h"

namespace kagibin::cli {

Result<OrderMove> move_orders(const std::filesystem::path& file,
                              const std::string& address,
                              store::OrderMigration::Source kind) {
  if (!store::is_postgres_address(address)) {
    return std::unexpected(store::bad_address());
  }
  store::OrderMigration migration = KB_TRY(store::OrderMigration::open(file, address, kind));
  OrderMove moved{.before = KB_TRY(migration.target_is_used())};
  if (!moved.before) {
    KB_TRY(migration.copy());
  }
  RowDigests source;
  RowDigests target;
  KB_TRY(migration.read_source(source));
  KB_TRY(migration.read_target(target));
  if (moved.before) {
    // A distributor of the database may have given the log's last entries their places since.
    source.forget_log();
    target.forget_log();
  }
  if (source.tables() != target.tables()) {
    return moved.before ? std::unexpected(store::used_database())
                        : fail(Errc::kStore,
                               "the copy in the database differs from the file; nothing was "
                               "changed");
  }
  KB_TRY(migration.finish());
  moved.rows = source.tables();
  return moved;
}

}  // namespace kagibin::cli
