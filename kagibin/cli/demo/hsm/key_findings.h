// SPDX-License-Identifier: Apache-2.0
// What the search for long-term keys outside their tokens came to (key_places.h). Names keys and
// places, never octets. Ownership: values. Thread-safety: values.
//
//   narrator.line(findings.text());
#pragma once

#include <set>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

namespace kagibin::cli::demo {

struct KeyFindings {
  std::vector<std::string> keys{};    // names of what was looked for
  std::set<std::string> outside{};    // "SK.EUM (raw, maker/log/...)"
  std::set<std::string> in_memory{};  // of a program that has SoftHSM in it
  std::set<std::string> pins{};       // in a command line, an environment, a log
  std::set<std::string> unread{};     // not searched
  std::size_t found_by_control = 0;   // of `keys`
  std::size_t files = 0;
  std::size_t records = 0;
  std::size_t memories = 0;
  std::size_t octets = 0;

  bool is_earnest() const { return !keys.empty() && found_by_control == keys.size(); }
  bool is_kept_inside() const { return outside.empty() && pins.empty() && unread.empty(); }
  std::string text() const;
  boost::json::object json() const;
};

}  // namespace kagibin::cli::demo
