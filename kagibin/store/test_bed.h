// SPDX-License-Identifier: Apache-2.0
// For this folder's tests: a store of one kind, opened as often as a test likes.
//
//   struct MyTest : BedTest {};
//   INSTANTIATE_TEST_SUITE_P(, MyTest, every_kind(), kind_name);
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "kagibin/store/database.h"
#include "kagibin/store/order_store_sqlite.h"
#include "kagibin/store/orders/order_schema.h"
#include "kagibin/store/orders/test_rows.h"
#include "kagibin/store/postgres/order_store_postgres.h"
#include "kagibin/store/postgres/test_cluster.h"
#include "kagibin/store/test_folder.h"

#include "tests/support/memory_orders/memory_order_store.h"

namespace kagibin::store {

enum class Kind : std::uint8_t { kSqlite, kPostgres, kMemory };

// Where one test's store lies; it is opened as often as the test likes.
class Bed {
 public:
  explicit Bed(Kind kind) : kind_(kind) {
    if (kind_ == Kind::kPostgres) {
      TestCluster::shared().empty_database();
    }
  }
  std::unique_ptr<OrderStore> open() const {
    switch (kind_) {
      case Kind::kSqlite:
        return open_order_store({.path = folder_ / "orders"}).value();
      case Kind::kPostgres:
        return open_order_store_postgres({.address = TestCluster::shared().address()}).value();
      case Kind::kMemory:
        return test::memory_order_store(tables_);
    }
    return nullptr;
  }
  // Behind the store's back, of one that has SQL.
  void run(const std::string& sql) const {
    if (kind_ == Kind::kPostgres) {
      ASSERT_TRUE(TestCluster::shared().session()->script(sql).has_value()) << sql;
      return;
    }
    ASSERT_EQ(kind_, Kind::kSqlite);
    Database db = Database::open({.path = folder_ / "orders",
                                  .application_id = kOrderApplicationId,
                                  .migrations = kOrderMigrations})
                      .value();
    ASSERT_TRUE(db.run(sql.c_str()).has_value()) << sql;
  }

 private:
  Kind kind_;
  TestFolder folder_;
  std::shared_ptr<test::OrderTables> tables_ = std::make_shared<test::OrderTables>(0);
};

inline auto every_kind() { return testing::Values(Kind::kSqlite, Kind::kPostgres, Kind::kMemory); }
// Those that outlive a process and that others can write to.
inline auto databases() { return testing::Values(Kind::kSqlite, Kind::kPostgres); }

struct BedTest : testing::TestWithParam<Kind> {
  BedTest() { reopen(); }
  void reopen() {
    store.reset();
    store = bed.open();
  }
  Bed bed{GetParam()};
  std::unique_ptr<OrderStore> store;
};

inline std::string kind_name(const testing::TestParamInfo<Kind>& info) {
  return info.param == Kind::kSqlite     ? "Sqlite"
         : info.param == Kind::kPostgres ? "Postgres"
                                         : "Memory";
}

}  // namespace kagibin::store
