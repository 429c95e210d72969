// SPDX-License-Identifier: Apache-2.0
#include "tests/attack/report.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace kagibin::attack {

namespace {

std::string key_of(const Cell& cell) { return cell.key ? to_hex(cell.key->expose()) : ""; }

std::string_view way_that_found(const Cell& cell) {
  for (const WayTaken& one : cell.taken) {
    if (!one.found_how.empty()) {
      return one.way;
    }
  }
  return "";
}

std::string_view word_of(const Fact& fact) {
  switch (fact.kind) {
    case Fact::Kind::kTry:
      return fact.is_right ? "stopped" : "SUCCEEDS";
    case Fact::Kind::kControl:
      return fact.is_right ? "control" : "CONTROL?";
    case Fact::Kind::kOpen:
      return fact.is_right ? "open" : "CHANGED";
    default:
      return "seen";
  }
}

std::string_view word_of(const Finding& finding) {
  if (!finding.is_stopped()) {
    return "succeeds";
  }
  if (!finding.is_earnest()) {
    return "not shown: a control failed";
  }
  return finding.is_open() ? "stopped, but for what is open" : "stopped";
}

boost::json::object object_of(const Cell& cell) {
  boost::json::array taken;
  for (const WayTaken& one : cell.taken) {
    boost::json::object way{{"way", one.way}, {"tried", one.tried}};
    if (!one.found_how.empty()) {
      way["found"] = one.found_how;
    }
    if (!one.stopped_by.empty()) {
      way["refused"] = one.stopped_by;
    }
    taken.push_back(std::move(way));
  }
  boost::json::object out{{"scheme", cell.scheme.name},
                          {"coalition", cell.coalition.name()},
                          {"verdict", cell.word()},
                          {"tried", cell.tried()},
                          {"ways", std::move(taken)}};
  if (cell.leaks()) {
    out["key"] = key_of(cell);
  }
  return out;
}

}  // namespace

void print_list() {
  fmt::print("Schemes:\n");
  for (const Scheme& scheme : schemes()) {
    fmt::print("  {:<4} {}{}{}  [{}]\n", scheme.name, scheme.what,
               scheme.weakness.empty() ? "" : ": ", scheme.weakness, scheme.model);
  }
  fmt::print("\nCoalitions:\n ");
  for (const Coalition& coalition : coalitions()) {
    fmt::print(" {}", coalition.name());
  }
  fmt::print("\n\nWays to the key:\n");
  for (const Way& way : ways()) {
    fmt::print("  {:<17} {}\n", way.name, way.what);
  }
  fmt::print("\nAttacks (--attack):\n");
  for (const NamedAttack& attack : named_attacks()) {
    fmt::print("  {:<17} {}\n", attack.name, attack.what);
  }
}

void print_finding(const NamedAttack& attack, const Finding& finding) {
  fmt::print("{}: {}\n", attack.name, attack.what);
  for (const Fact& one : finding.facts) {
    fmt::print("  {:<9} {}: {}\n", word_of(one), one.what, one.how);
  }
  fmt::print("{}\n", word_of(finding));
}

std::string finding_json(const NamedAttack& attack, const Finding& finding) {
  boost::json::array facts;
  for (const Fact& one : finding.facts) {
    facts.push_back({{"what", one.what},
                     {"how", one.how},
                     {"kind", word_of(one)},
                     {"as_expected", one.is_right}});
  }
  return boost::json::serialize(boost::json::object{
      {"attack", attack.name}, {"verdict", word_of(finding)}, {"facts", std::move(facts)}});
}

void print_cell(const Cell& cell) {
  fmt::print("{} ({}), {}\n", cell.scheme.name, cell.scheme.what, cell.coalition.name());
  for (const WayTaken& one : cell.taken) {
    fmt::print("  {:<17} {:>5} tried  {}\n", one.way, one.tried,
               one.found_how.empty()
                   ? (one.stopped_by.empty() ? "nothing" : "nothing; refused: " + one.stopped_by)
                   : fmt::format("the key, {}", one.found_how));
  }
  if (cell.leaks()) {
    fmt::print("K = {}\nleaks\n", key_of(cell));
  } else {
    fmt::print("secret ({} tried)\n", cell.tried());
  }
}

void print_matrix(const std::vector<Cell>& cells) {
  fmt::print("{:<5}", "");
  for (const Coalition& coalition : coalitions()) {
    fmt::print("{:<12}", coalition.name());
  }
  std::string_view row;
  for (const Cell& cell : cells) {
    if (cell.scheme.name != row) {
      row = cell.scheme.name;
      fmt::print("\n{:<5}", row);
    }
    fmt::print("{:<12}", fmt::format("{} {}", cell.word(), cell.tried()));
  }
  fmt::print("\n\nThe number says how much was tried: keys, derivations, forgeries.\n\n");
  for (const Cell& cell : cells) {
    if (cell.leaks()) {
      fmt::print("{:<3} {:<9} K = {}  by {}\n", cell.scheme.name, cell.coalition.name(),
                 key_of(cell), way_that_found(cell));
    }
  }
}

std::string cell_json(const Cell& cell) { return boost::json::serialize(object_of(cell)); }

std::string matrix_json(const std::vector<Cell>& cells) {
  boost::json::array out;
  for (const Cell& cell : cells) {
    out.push_back(object_of(cell));
  }
  return boost::json::serialize(boost::json::object{{"cells", std::move(out)}});
}

void print_processes(const std::vector<ProcessCell>& cells) {
  constexpr double kMillion = 1e6;
  for (const ProcessCell& cell : cells) {
    fmt::print("{:<3} {:<9} {:<7} searched {} files and {} looks at memory, {:.1f} MB{}{}\n",
               cell.scheme, cell.coalition.name(), cell.word(), cell.files, cell.memory_looks,
               static_cast<double>(cell.octets) / kMillion, cell.how.empty() ? "" : ": ", cell.how);
  }
}

std::string processes_json(const std::vector<ProcessCell>& cells) {
  boost::json::array out;
  for (const ProcessCell& cell : cells) {
    out.push_back(boost::json::object{{"scheme", cell.scheme},
                                      {"coalition", cell.coalition.name()},
                                      {"verdict", cell.word()},
                                      {"how", cell.how},
                                      {"files", cell.files},
                                      {"memory_looks", cell.memory_looks},
                                      {"octets", cell.octets}});
  }
  return boost::json::serialize(boost::json::object{{"processes", std::move(out)}});
}

}  // namespace kagibin::attack
