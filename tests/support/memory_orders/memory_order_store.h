// SPDX-License-Identifier: Apache-2.0
// The distributor's store in memory, with everything that delivery/order_store.h promises but that
// nothing of it outlives the process: the tests of the stores run over it, too. Store objects that
// share tables are as processes that share a database, in one thread. For tests only.
//
//   const auto tables = std::make_shared<OrderTables>(0);
//   std::unique_ptr<delivery::OrderStore> store = memory_order_store(tables);
#pragma once

#include <memory>

#include "kagibin/delivery/order_store.h"

#include "tests/support/memory_orders/order_tables.h"

namespace kagibin::test {

// begin() and snapshot() give kInterrupted while another store's transaction is open.
std::unique_ptr<delivery::OrderStore> memory_order_store(std::shared_ptr<OrderTables> tables);

}  // namespace kagibin::test
