// SPDX-License-Identifier: Apache-2.0
#include "tests/attack/processes.h"

#include <array>
#include <cstdio>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/wait.h>

namespace kagibin::attack {

namespace {

struct Run {
  std::string_view scheme;
  std::string_view options;
  bool is_control = false;  // the operator has to read the key
};

constexpr std::array<Run, 5> kRuns = {{{"a", "--scheme conventional", true},
                                       {"p1", "--level RL1"},
                                       {"c3", "--level RL2"},
                                       {"d", "--level RL3"},
                                       {"o", "--level OS"}}};

// As the demo calls them, and as the matrix does.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kColumns = {
    {{"D", ""},
     {"B", "B"},
     {"C", "C"},
     {"device", "D-passive"},
     {"B + C", "B,C"},
     {"C + device", "C,D-passive"}}};

// The object that it prints; kIo, kState.
Result<boost::json::object> demo(const std::filesystem::path& programs, const Run& run) {
  const std::filesystem::path program = programs / "kagibin-demo";
  if (!std::filesystem::exists(program)) {
    return fail(Errc::kIo, "kagibin-demo is not beside this program: build it first");
  }
  const std::string command =
      fmt::format("'{}' --no-pcsc --json {} 2>/dev/null", program.string(), run.options);
  FILE* pipe = popen(command.c_str(), "r");  // NOLINT(cert-env33-c): a program of this build
  if (pipe == nullptr) {
    return fail(Errc::kIo, "kagibin-demo cannot be started");
  }
  std::string out;
  std::array<char, 4096> buffer{};
  while (fgets(buffer.data(), buffer.size(), pipe) != nullptr) {
    out += buffer.data();
  }
  const int status = pclose(pipe);
  const std::size_t begin = out.find('{');
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || begin == std::string::npos) {
    return fail(Errc::kState, "kagibin-demo did not come to its end: run it by itself");
  }
  boost::system::error_code failed;
  const auto value = boost::json::parse(out.substr(begin, out.find('\n', begin) - begin), failed);
  if (failed || !value.is_object()) {
    return fail(Errc::kState, "kagibin-demo printed no table");
  }
  return value.get_object();
}

std::string names(const boost::json::value& list) {
  std::vector<std::string> out;
  for (const boost::json::value& one : list.as_array()) {
    out.emplace_back(one.as_string());
  }
  return fmt::format("{}", fmt::join(out, ", "));
}

Result<ProcessCell> cell_of(const Run& run,
                            const boost::json::array& rows,
                            std::string_view who,
                            std::string_view column) {
  for (const boost::json::value& row : rows) {
    if (row.at("who").as_string() != who) {
      continue;
    }
    if (!row.at("not_searched").as_array().empty()) {
      return fail(Errc::kState, "the memory of a process could not be read: nothing is shown");
    }
    ProcessCell out{.scheme = std::string(run.scheme),
                    .coalition = KB_TRY(Coalition::parse(column)),
                    .files = row.at("files").to_number<std::int64_t>(),
                    .memory_looks = row.at("memory_looks").to_number<std::int64_t>(),
                    .octets = row.at("octets").to_number<std::int64_t>()};
    const std::string found = names(row.at("found"));
    const std::string derived = names(row.at("derived"));
    out.leaks = !found.empty() || !derived.empty();
    out.how = found.empty() ? derived : found;
    return out;
  }
  return fail(Errc::kState, "kagibin-demo has no such row");
}

}  // namespace

Result<std::vector<ProcessCell>> attack_processes(const std::filesystem::path& programs) {
  std::vector<ProcessCell> out;
  for (const Run& run : kRuns) {
    const boost::json::object table = KB_TRY(demo(programs, run));
    const auto* rows = table.if_contains("rows");
    if (rows == nullptr || !rows->is_array()) {
      return fail(Errc::kState, "kagibin-demo printed no rows");
    }
    for (const auto& [who, column] : kColumns) {
      if (run.is_control && who != "B") {
        continue;
      }
      out.push_back(KB_TRY(cell_of(run, rows->get_array(), who, column)));
    }
    if (run.is_control && !out.back().leaks) {
      return fail(Errc::kState, "the control did not leak: what is secret elsewhere shows nothing");
    }
  }
  return out;
}

}  // namespace kagibin::attack
