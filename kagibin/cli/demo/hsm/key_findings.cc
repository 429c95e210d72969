// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/hsm/key_findings.h"

#include <boost/json/array.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kagibin::cli::demo {

namespace {

boost::json::array names(const auto& all) {
  boost::json::array out;
  for (const std::string& name : all) {
    out.emplace_back(name);
  }
  return out;
}

}  // namespace

std::string KeyFindings::text() const {
  std::string out = fmt::format("{} long-term keys, looked for outside their tokens:\n  {}\n",
                                keys.size(), fmt::join(keys, ", "));
  out += fmt::format("\n  A, C, E and M: {}",
                     outside.empty() ? "nothing" : fmt::format("{}", fmt::join(outside, "; ")));
  if (!pins.empty()) {
    out += fmt::format("\n      PINs where others read them: {}", fmt::join(pins, "; "));
  }
  if (!in_memory.empty()) {
    out += fmt::format(
        "\n      in the memory of a program while SoftHSM computed in it, where a real module has "
        "none: {}",
        fmt::join(in_memory, "; "));
  }
  constexpr double kMillion = 1e6;
  out += fmt::format(
      "\n      searched: {} files, {} opened records, {} looks at memory, {:.1f} MB\n      "
      "control: "
      "the same search finds {} of {} in homes that have them in records",
      files, records, memories, static_cast<double>(octets) / kMillion, found_by_control,
      keys.size());
  if (!unread.empty()) {
    out += fmt::format("\n      NOT searched: {}", fmt::join(unread, ", "));
  }
  return out;
}

boost::json::object KeyFindings::json() const {
  return {{"keys", names(keys)},
          {"outside", names(outside)},
          {"in_memory", names(in_memory)},
          {"pins", names(pins)},
          {"not_searched", names(unread)},
          {"found_by_control", found_by_control},
          {"files", files},
          {"records", records},
          {"memory_looks", memories},
          {"octets", octets}};
}

}  // namespace kagibin::cli::demo
