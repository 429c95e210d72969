// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/fleet/load/database_cpu.h"

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <system_error>

#include <unistd.h>

#include "kagibin/store/postgres/pg_connection.h"

namespace kagibin::cli::fleet {
namespace {

namespace fs = std::filesystem;

// The field of /proc/PID/status; empty where there is no such process.
std::string status_of(const fs::path& process, const std::string& field) {
  std::ifstream in(process / "status");
  for (std::string word; in >> word;) {
    if (word == field) {
      in >> word;
      return word;
    }
  }
  return {};
}

// Of its children that ended.
std::int64_t ended_children_nanoseconds(const fs::path& process) {
  constexpr std::int64_t kNanosecondsASecond = 1'000'000'000;
  std::ifstream in(process / "stat");
  in.ignore(std::numeric_limits<std::streamsize>::max(), ')');  // behind the program's name
  std::string skipped;
  for (int field = 3; field < 16; ++field) {  // proc(5)
    in >> skipped;
  }
  std::int64_t user = 0;
  std::int64_t system = 0;
  in >> user >> system;
  return (user + system) * (kNanosecondsASecond / ::sysconf(_SC_CLK_TCK));
}

}  // namespace

Result<std::optional<DatabaseCpu>> DatabaseCpu::of(const std::string& address) {
  const auto session = KB_TRY(store::PgConnection::open({.address = address}));
  session->add("SELECT pg_backend_pid()");
  const auto rows = KB_TRY(session->run());
  const fs::path ours = fs::path("/proc") / std::to_string(rows.front().at(0).integer(0));
  if (status_of(ours, "Name:") != "postgres") {
    return std::optional<DatabaseCpu>();
  }
  return std::optional(DatabaseCpu(status_of(ours, "PPid:")));
}

std::int64_t DatabaseCpu::nanoseconds() const {
  std::int64_t out = ended_children_nanoseconds(fs::path("/proc") / parent_);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") == std::string::npos &&
        status_of(entry.path(), "PPid:") == parent_) {
      std::int64_t ran = 0;
      std::ifstream(entry.path() / "schedstat") >> ran;
      out += ran;
    }
  }
  return out;
}

}  // namespace kagibin::cli::fleet
