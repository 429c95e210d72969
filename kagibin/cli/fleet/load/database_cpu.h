// SPDX-License-Identifier: Apache-2.0
// CPU time of a PostgreSQL server on this machine: of the processes under the one that serves us,
// as Linux counts it (/proc/PID/schedstat), and of those that ended (cutime and cstime in
// /proc/PID/stat, by the tick).
//
//   const auto database = KB_TRY(DatabaseCpu::of("postgresql:///kagibin"));
//   if (database) { const std::int64_t before = database->nanoseconds(); ... }
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kagibin/base/result.h"

namespace kagibin::cli::fleet {

class DatabaseCpu {
 public:
  // Empty where the server's processes cannot be seen from here. kInterrupted: no server.
  static Result<std::optional<DatabaseCpu>> of(const std::string& address);
  std::int64_t nanoseconds() const;

 private:
  explicit DatabaseCpu(std::string parent) : parent_(std::move(parent)) {}
  std::string parent_;  // process id of the server's first process
};

}  // namespace kagibin::cli::fleet
