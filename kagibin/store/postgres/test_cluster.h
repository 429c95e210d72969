// SPDX-License-Identifier: Apache-2.0
// For tests: a PostgreSQL server of this test program's own, gone with it. Never in a child that
// was forked.
//
//   TestCluster::shared().empty_database();
//   auto store = open_order_store_postgres({.address = TestCluster::shared().address()}).value();
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kagibin/store/postgres/pg_connection.h"

#include "tests/support/postgres_server.h"

namespace kagibin::store {

class TestCluster {
 public:
  // Started at its first use, on which a test fails where there is no PostgreSQL.
  static TestCluster& shared() {
    static TestCluster cluster{{}};
    return cluster;
  }
  // Settings of postgresql.conf: "fsync=off".
  explicit TestCluster(const std::vector<std::string>& settings) : server_(settings) {
    EXPECT_EQ(server_.error(), "");
  }

  const std::string& address() const { return server_.address(); }
  // "kill", "stop", "start".
  void tell(const char* command) { EXPECT_EQ(server_.tell(command), "ok") << command; }
  std::unique_ptr<PgConnection> session() const {
    return PgConnection::open({.address = address()}).value();
  }
  void empty_database() const {
    ASSERT_TRUE(session()->script("DROP SCHEMA IF EXISTS kagibin CASCADE").has_value());
  }

 private:
  test::PostgresServer server_;
};

}  // namespace kagibin::store
