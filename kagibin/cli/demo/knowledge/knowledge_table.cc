// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/knowledge/knowledge_table.h"

#include <algorithm>

#include <boost/json/array.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kagibin::cli::demo {

namespace {

constexpr const char* kAtRl1 = "RL1 does not protect against this; RL2 and above do";

std::string verdict(const KnowledgeRow& row, bool sealed) {
  std::string out;
  if (!row.found.empty()) {
    out = fmt::format("found: {}", fmt::join(row.found, "; "));
  }
  if (!row.derived.empty()) {
    out += fmt::format("{}derived", out.empty() ? "" : "; ");
    if (sealed && row.who == kManagerAndDevice) {
      out += fmt::format(" ({})", kAtRl1);
    } else {
      out += fmt::format(": {}", fmt::join(row.derived, ", "));
    }
  }
  return out.empty() ? "nothing" : out;
}

boost::json::array names(const std::set<std::string>& all) {
  boost::json::array out;
  for (const std::string& name : all) {
    out.emplace_back(name);
  }
  return out;
}

}  // namespace

const KnowledgeRow* KnowledgeTable::row(std::string_view who) const {
  const auto found = std::ranges::find(rows, who, &KnowledgeRow::who);
  return found == rows.end() ? nullptr : &*found;
}

bool KnowledgeTable::is_as_promised() const {
  return std::ranges::all_of(rows, [](const KnowledgeRow& row) {
    return row.found.empty() && (row.derived.empty() != (row.who == kManagerAndDevice));
  });
}

std::string KnowledgeTable::text() const {
  std::string out = fmt::format("{} secrets, looked for raw, as hex and as base64:\n  {}\n",
                                secrets.size(), fmt::join(secrets, ", "));
  constexpr double kMillion = 1e6;
  for (const KnowledgeRow& row : rows) {
    out += fmt::format("\n  {}: {}", row.who, verdict(row, scheme == "sealed"));
    if (!row.by_right.empty()) {
      out += fmt::format("\n      holds by right: {}", fmt::join(row.by_right, ", "));
    }
    out += fmt::format("\n      searched: {} files, {} looks at memory, {:.1f} MB", row.files,
                       row.memories, static_cast<double>(row.octets) / kMillion);
    if (row.sessions + row.keys_tried > 0) {
      out += fmt::format("; tried: {} relayed sessions, {} keys on envelopes", row.sessions,
                         row.keys_tried);
    }
    if (!row.unread.empty()) {
      out += fmt::format("\n      NOT searched: {}", fmt::join(row.unread, ", "));
    }
  }
  return out;
}

boost::json::object KnowledgeTable::json() const {
  boost::json::array all;
  for (const KnowledgeRow& row : rows) {
    all.push_back(boost::json::object{{"who", row.who},
                                      {"found", names(row.found)},
                                      {"derived", names(row.derived)},
                                      {"by_right", names(row.by_right)},
                                      {"not_searched", names(row.unread)},
                                      {"files", row.files},
                                      {"memory_looks", row.memories},
                                      {"octets", row.octets},
                                      {"sessions", row.sessions},
                                      {"keys_tried", row.keys_tried}});
  }
  boost::json::array searched;
  for (const std::string& name : secrets) {
    searched.emplace_back(name);
  }
  return {{"scheme", scheme}, {"secrets", std::move(searched)}, {"rows", std::move(all)}};
}

}  // namespace kagibin::cli::demo
