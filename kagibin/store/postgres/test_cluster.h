// SPDX-License-Identifier: Apache-2.0
// For tests: a PostgreSQL server of this test program's own (tests/support/postgres_cluster.py),
// gone with it. Never in a child that was forked.
//
//   TestCluster::shared().empty_database();
//   auto store = open_order_store_postgres({.address = TestCluster::shared().address()}).value();
#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kagibin/store/postgres/pg_connection.h"

namespace kagibin::store {

class TestCluster {
 public:
  // Started at its first use, on which a test fails where there is no PostgreSQL.
  static TestCluster& shared() {
    static TestCluster cluster{{}};
    return cluster;
  }
  // Settings of postgresql.conf: "fsync=off".
  explicit TestCluster(const std::vector<std::string>& settings) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (pipe(in.data()) != 0 || pipe(out.data()) != 0) {
      ADD_FAILURE() << "no pipe";
      return;
    }
    child_ = fork();
    if (child_ == 0) {
      dup2(in[0], 0);
      dup2(out[1], 1);
      for (const int one : {in[0], in[1], out[0], out[1]}) {
        close(one);
      }
      std::string script = KAGIBIN_SOURCE_DIR "/tests/support/postgres_cluster.py";
      std::string interpreter = "/usr/bin/python3";
      std::vector<std::string> copies = settings;
      std::vector<char*> line = {interpreter.data(), script.data()};
      for (std::string& copy : copies) {
        line.push_back(copy.data());
      }
      line.push_back(nullptr);
      execv(interpreter.c_str(), line.data());
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    commands_ = fdopen(in[1], "w");
    answers_ = fdopen(out[0], "r");
    const std::string ready = answer();
    EXPECT_TRUE(ready.starts_with("ready ")) << "no PostgreSQL server: " << ready;
    address_ = ready.substr(std::min<std::size_t>(6, ready.size()));
  }
  TestCluster(const TestCluster&) = delete;
  TestCluster& operator=(const TestCluster&) = delete;
  ~TestCluster() {
    static_cast<void>(std::fclose(commands_));
    waitpid(child_, nullptr, 0);
    static_cast<void>(std::fclose(answers_));
  }

  const std::string& address() const { return address_; }
  // "kill", "stop", "start".
  void tell(const char* command) {
    static_cast<void>(std::fputs((std::string(command) + "\n").c_str(), commands_));
    static_cast<void>(std::fflush(commands_));
    EXPECT_EQ(answer(), "ok") << command;
  }
  std::unique_ptr<PgConnection> session() const {
    return PgConnection::open({.address = address_}).value();
  }
  void empty_database() const {
    ASSERT_TRUE(session()->script("DROP SCHEMA IF EXISTS kagibin CASCADE").has_value());
  }

 private:
  std::string answer() {
    std::array<char, 512> line{};
    if (std::fgets(line.data(), line.size(), answers_) == nullptr) {
      return "(the end)";
    }
    const std::string text(line.data());
    return text.substr(0, text.find('\n'));
  }

  pid_t child_ = -1;
  std::FILE* commands_ = nullptr;
  std::FILE* answers_ = nullptr;
  std::string address_;
};

}  // namespace kagibin::store
