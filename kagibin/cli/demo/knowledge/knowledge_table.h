// SPDX-License-Identifier: Apache-2.0
// Who knows what after a delivery: one row for each party and coalition on the way.
//
//   B            nothing
//   C            nothing (holds by right: the channel keys it issued)
//   C + device   derived (RL1 does not protect against this; RL2 and above do)     at RL1
//   C + device   nothing, although every key that the two have was tried           above RL1
//
// Rows name secrets, never their octets. Ownership: values. Thread-safety: values.
//
//   const KnowledgeTable table = examine(...);
//   narrator.line(table.text());
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "kagibin/cli/demo/hsm/key_findings.h"
#include "kagibin/envelope/suite.h"

namespace kagibin::cli::demo {

struct KnowledgeRow {
  std::string who;
  std::set<std::string> found{};     // "delivered Key-ENC as hex in carrier/log/..."
  std::set<std::string> derived{};   // names of secrets
  std::set<std::string> by_right{};  // what it holds and may hold
  std::set<std::string> unread{};    // not searched
  std::size_t files = 0;
  std::size_t memories = 0;
  std::size_t octets = 0;
  std::size_t sessions = 0;          // of SCP03, among the APDUs it saw
  std::size_t sets_tried = 0;        // key sets times those sessions
  std::size_t keys_tried = 0;        // private keys times envelopes
  std::size_t agreements = 0;        // sessions of SCP11a, among the APDUs it saw
  std::size_t agreements_tried = 0;  // ways into them
};

struct KnowledgeTable {
  std::string scheme;
  envelope::RelayLevel level = envelope::RelayLevel::kRl1;
  std::vector<KnowledgeRow> rows{};
  std::vector<std::string> secrets{};  // names of what was searched for
  std::optional<KeyFindings> keys{};   // where the long-term keys are, if that was looked for

  const KnowledgeRow* row(std::string_view who) const;
  // What the relay level does not protect against, and nothing else: at RL1 the coalition of C and
  // the device derives the key, above it nobody does.
  bool is_as_promised() const;
  // That coalition had what the solver needs: at RL1 it derived the key, at RL2 and RL3 it saw the
  // session and had keys to try on it, at OS there was no session and it had keys to try on the
  // envelope. Otherwise an empty table proves nothing.
  bool is_earnest() const;
  std::string text() const;
  boost::json::object json() const;
};

inline constexpr const char* kManagerAndDevice = "C + device";

}  // namespace kagibin::cli::demo
