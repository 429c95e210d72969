// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/order_store_sqlite.h"

#include <utility>

#include "kagibin/store/database.h"
#include "kagibin/store/orders/order_schema.h"
#include "kagibin/store/orders/order_transaction.h"
#include "kagibin/store/orders/snapshot_sqlite.h"

namespace kagibin::store {
namespace {

class SqliteOrderStore final : public delivery::OrderStore {
 public:
  explicit SqliteOrderStore(Database db) : db_(std::move(db)) {}

  Result<std::unique_ptr<delivery::OrderTransaction>> begin() override {
    if (open_) {
      return fail(Errc::kState, "the store's earlier transaction is still open");
    }
    Transaction transaction = KB_TRY(Transaction::begin(db_));
    return std::make_unique<SqliteOrderTransaction>(db_, std::move(transaction), open_);
  }

  Result<std::unique_ptr<delivery::StoreSnapshot>> snapshot() override {
    if (open_) {
      return fail(Errc::kState, "the store's earlier transaction is still open");
    }
    KB_TRY(db_.run("BEGIN"));
    return std::make_unique<SqliteSnapshot>(db_, open_);
  }

 private:
  Database db_;
  bool open_ = false;
};

}  // namespace

Result<std::unique_ptr<delivery::OrderStore>> open_order_store(const SqliteOptions& options) {
  Database db = KB_TRY(Database::open({.path = options.path,
                                       .application_id = kOrderApplicationId,
                                       .moved_application_id = kMovedApplicationId,
                                       .migrations = kOrderMigrations,
                                       .max_pages = options.max_pages,
                                       .busy_timeout_ms = options.busy_timeout_ms,
                                       .read_only = options.read_only}));
  return std::make_unique<SqliteOrderStore>(std::move(db));
}

}  // namespace kagibin::store
