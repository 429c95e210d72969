// SPDX-License-Identifier: Apache-2.0
// The distributor's store in one SQLite file, behind delivery/order_store.h.
//
// Limits: SQLite's own (281 TB). One transaction at a time; a second process (`distributor invite`)
// may write in between. Thread-safety: one thread at a time.
//
//   auto store = KB_TRY(open_order_store({.path = folder / "orders.sqlite3"}));
//   auto t = KB_TRY(store->begin());
#pragma once

#include <memory>

#include "kagibin/base/result.h"
#include "kagibin/delivery/order_store.h"
#include "kagibin/store/sqlite_options.h"

namespace kagibin::store {

Result<std::unique_ptr<delivery::OrderStore>> open_order_store(const SqliteOptions& options);

}  // namespace kagibin::store
