// SPDX-License-Identifier: Apache-2.0
// kagibin-attack: a coalition of the players attacks real deliveries. Every player is in this
// process; nothing of it is ever installed (doc/attacks.md).
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>

#include <CLI/CLI.hpp>

#include "kagibin/cli/console/command_line.h"
#include "kagibin/cli/console/console.h"

#include "tests/attack/matrix.h"
#include "tests/attack/processes.h"
#include "tests/attack/report.h"

namespace {

using namespace kagibin;
using namespace kagibin::attack;

struct Options {
  std::string scheme;
  std::string coalition;
  std::string attack;
  std::string expected;
  std::string proofs;
  bool all = false;
  bool processes = false;
  bool list = false;
  bool json = false;
};

std::string text_of(const std::string& path) {
  const std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

// What differs from the matrix that is expected, and that one from what was proved.
template <typename AnyCell>
int compare(const std::vector<AnyCell>& cells, const Options& options) {
  if (options.expected.empty()) {
    return cli::kExitOk;
  }
  const auto expected = ExpectedMatrix::parse(text_of(options.expected));
  if (!expected) {
    fmt::print(stderr, "kagibin-attack: {}: {}.\n", options.expected,
               expected.error().detail.text());
    return cli::kExitUsage;
  }
  std::vector<std::string> problems = expected->differences(cells);
  std::vector<std::string> unproved;
  if (!options.proofs.empty()) {
    for (std::string& one : expected->disagreements(text_of(options.proofs), unproved)) {
      problems.push_back(std::move(one));
    }
  }
  for (const std::string& problem : problems) {
    fmt::print(stderr, "kagibin-attack: {}.\n", problem);
  }
  if (!unproved.empty()) {
    fmt::print(stderr, "The prover gave no answer, and the run alone speaks: {}.\n",
               fmt::join(unproved, ", "));
  }
  return problems.empty() ? cli::kExitOk : cli::kExitFailed;
}

int run_all(const Options& options) {
  std::vector<Cell> cells;
  for (const Scheme& scheme : schemes()) {
    for (const Coalition& coalition : columns_of(scheme)) {
      cells.push_back(attack_cell(scheme, coalition));
    }
  }
  if (options.json) {
    fmt::print("{}\n", matrix_json(cells));
  } else {
    print_matrix(cells);
  }
  return compare(cells, options);
}

int run_processes(const Options& options) {
  const auto cells =
      attack_processes(std::filesystem::read_symlink("/proc/self/exe").parent_path());
  if (!cells) {
    fmt::print(stderr, "kagibin-attack: {}.\n", cells.error().detail.text());
    return cli::kExitFailed;
  }
  if (options.json) {
    fmt::print("{}\n", processes_json(*cells));
  } else {
    print_processes(*cells);
  }
  return compare(*cells, options);
}

int run_one(const Options& options) {
  const auto scheme = find_scheme(options.scheme);
  if (!scheme) {
    fmt::print(stderr, "kagibin-attack: {}.\n", scheme.error().detail.text());
    return scheme.error().code == Errc::kNotSupported ? cli::kExitRefused : cli::kExitUsage;
  }
  const auto coalition = Coalition::parse(options.coalition);
  if (!coalition) {
    fmt::print(stderr, "kagibin-attack: {}.\n", coalition.error().detail.text());
    return cli::kExitUsage;
  }
  const Cell cell = attack_cell(*scheme, *coalition);
  if (options.json) {
    fmt::print("{}\n", cell_json(cell));
  } else {
    print_cell(cell);
  }
  return cli::kExitOk;
}

// One attack, or all of them. Fails where one succeeds, or where a control does not.
int run_attacks(const Options& options) {
  const auto named = find_attack(options.attack);
  if (!named && options.attack != "all") {
    fmt::print(stderr, "kagibin-attack: {}.\n", named.error().detail.text());
    return cli::kExitUsage;
  }
  bool is_good = true;
  for (const NamedAttack& attack : named_attacks()) {
    if (named && attack.name != named->name) {
      continue;
    }
    const Finding finding = attack.run();
    is_good = is_good && finding.is_stopped() && finding.is_earnest();
    if (options.json) {
      fmt::print("{}\n", finding_json(attack, finding));
    } else {
      print_finding(attack, finding);
    }
  }
  return is_good ? cli::kExitOk : cli::kExitFailed;
}

int run(const Options& options) {
  if (options.list) {
    print_list();
    return cli::kExitOk;
  }
  if (options.all) {
    return run_all(options);
  }
  if (options.processes) {
    return run_processes(options);
  }
  if (!options.attack.empty()) {
    return run_attacks(options);
  }
  if (options.scheme.empty()) {
    fmt::print(stderr,
               "kagibin-attack: name a scheme or an attack, or --all, or --list; --help says "
               "more.\n");
    return cli::kExitUsage;
  }
  return run_one(options);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Attacks real deliveries as a coalition of the players: derives, forges, and answers in "
      "others' places, and prints the delivered key where it found it.",
      "kagibin-attack");
  Options options;
  auto* scheme = app.add_option("--scheme", options.scheme, "row of the matrix; --list names them");
  app.add_option("--coalition", options.coalition,
                 "who attacks: B, C, D-passive, D-active, with commas; without it an outsider")
      ->needs(scheme);
  auto* all = app.add_flag("--all", options.all, "every scheme and every coalition, as a matrix");
  auto* processes = app.add_flag(
      "--processes", options.processes,
      "real processes (kagibin demo), with their stores, logs, captures and memory, at each level");
  processes->excludes(all)->excludes(scheme);
  app.add_option("--attack", options.attack,
                 "one attack by its name, with its controls, or all of them")
      ->excludes(all)
      ->excludes(scheme);
  app.add_flag("--list", options.list, "list schemes, coalitions, ways and attacks");
  app.add_option("--expect", options.expected,
                 "file with the matrix that has to come out (tests/attack/expected_matrix.txt)")
      ->check(CLI::ExistingFile);
  app.add_option("--models", options.proofs,
                 "file with what was proved (models/expected.txt), to hold that matrix to")
      ->needs("--expect")
      ->needs(all)
      ->check(CLI::ExistingFile);
  app.add_flag("--json", options.json, "print one JSON object");
  scheme->excludes(all);
  app.footer(
      "`leaks`: the program computed the delivered key, and prints it. `secret`: every way that it "
      "knows failed. Exit code 0 in both cases, 1 where --expect or --models disagrees, an attack "
      "succeeds or a control does not, 3 for a "
      "scheme that is not built.");
  if (const std::optional<int> code = cli::read_command_line(app, argc, argv)) {
    return *code;
  }
  return run(options);
}
