// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/knowledge/knowledge_table.h"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kagibin::cli::demo {

namespace {

constexpr const char* kAtRl1 = "RL1 does not protect against this; RL2 and above do";

std::string verdict(const KnowledgeRow& row, bool expected) {
  std::string out;
  if (!row.found.empty()) {
    out = fmt::format("found: {}", fmt::join(row.found, "; "));
  }
  if (!row.derived.empty()) {
    out += fmt::format("{}derived", out.empty() ? "" : "; ");
    if (expected && row.who == kManagerAndDevice) {
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
  const bool at_rl1 = level == envelope::RelayLevel::kRl1;
  return is_earnest() && std::ranges::all_of(rows, [&](const KnowledgeRow& row) {
           return row.found.empty() &&
                  row.derived.empty() != (at_rl1 && row.who == kManagerAndDevice);
         });
}

bool KnowledgeTable::is_earnest() const {
  const KnowledgeRow* coalition = row(kManagerAndDevice);
  if (coalition == nullptr) {
    return false;
  }
  switch (level) {
    case envelope::RelayLevel::kRl1:
      return !coalition->derived.empty();
    case envelope::RelayLevel::kRl2:
      return coalition->agreements > 0 && coalition->agreements_tried > 0;
    case envelope::RelayLevel::kRl3:
      return coalition->sessions > 0 && coalition->sets_tried > 0;
    case envelope::RelayLevel::kRl4:
      return coalition->sessions > 0 && coalition->sets_tried > 0 && coalition->agreements > 0 &&
             coalition->agreements_tried > 0;
    case envelope::RelayLevel::kOs:
      return coalition->keys_tried > 0 && coalition->sessions + coalition->agreements == 0;
  }
  return false;
}

std::string KnowledgeTable::text() const {
  std::string out = fmt::format("{} secrets, looked for raw, as hex and as base64:\n  {}\n",
                                secrets.size(), fmt::join(secrets, ", "));
  constexpr double kMillion = 1e6;
  for (const KnowledgeRow& row : rows) {
    out += fmt::format("\n  {}: {}", row.who,
                       verdict(row, scheme == "sealed" && level == envelope::RelayLevel::kRl1));
    if (!row.by_right.empty()) {
      out += fmt::format("\n      holds by right: {}", fmt::join(row.by_right, ", "));
    }
    out += fmt::format("\n      searched: {} files, {} looks at memory, {:.1f} MB", row.files,
                       row.memories, static_cast<double>(row.octets) / kMillion);
    if (row.sessions + row.agreements + row.keys_tried > 0) {
      out += fmt::format("; tried: {} key sets on {} relayed SCP03 sessions, {} keys on envelopes",
                         row.sets_tried, row.sessions, row.keys_tried);
    }
    if (row.agreements > 0) {
      out += fmt::format(", {} ways into {} SCP11a sessions", row.agreements_tried, row.agreements);
    }
    if (!row.unread.empty()) {
      out += fmt::format("\n      NOT searched: {}", fmt::join(row.unread, ", "));
    }
  }
  if (keys) {
    out += "\n\n" + keys->text();
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
                                      {"sets_tried", row.sets_tried},
                                      {"keys_tried", row.keys_tried},
                                      {"agreements", row.agreements},
                                      {"agreements_tried", row.agreements_tried}});
  }
  boost::json::array searched;
  for (const std::string& name : secrets) {
    searched.emplace_back(name);
  }
  boost::json::object out{
      {"scheme", scheme}, {"secrets", std::move(searched)}, {"rows", std::move(all)}};
  if (scheme == "sealed") {
    out["level"] = envelope::relay_level_name(std::to_underlying(level));
  }
  if (keys) {
    out["long_term_keys"] = keys->json();
  }
  return out;
}

}  // namespace kagibin::cli::demo
