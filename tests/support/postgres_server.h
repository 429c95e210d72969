// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL server of this process's own (postgres_cluster.py), gone with it. Never in a child
// that was forked. Thread-safety: one thread at a time.
//
//   PostgresServer server({"fsync=off"});      // settings of postgresql.conf
//   if (!server.error().empty()) ...           // there is no PostgreSQL here, for instance
//   open_order_store_postgres({.address = server.address()});
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include <sys/types.h>

namespace kagibin::test {

class PostgresServer {
 public:
  explicit PostgresServer(const std::vector<std::string>& settings);
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer();

  // Why it does not run; empty when it does.
  const std::string& error() const { return error_; }
  const std::string& address() const { return address_; }
  // "kill", "stop", "start"; the answer, "ok" when it is done.
  std::string tell(const std::string& command);

 private:
  std::string answer();

  pid_t child_ = -1;
  std::FILE* commands_ = nullptr;
  std::FILE* answers_ = nullptr;
  std::string address_;
  std::string error_;
};

}  // namespace kagibin::test
