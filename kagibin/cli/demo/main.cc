// SPDX-License-Identifier: Apache-2.0
// kagibin-demo: one key delivered by real processes on this machine, then an examination of what
// everybody on the way knows.
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>

#include "kagibin/cli/console/command_line.h"
#include "kagibin/cli/console/console.h"
#include "kagibin/cli/demo/conventional_scheme.h"
#include "kagibin/cli/demo/scratch_folder.h"
#include "kagibin/crypto/hpke/ml_kem.h"

namespace {

using namespace kagibin;
using namespace kagibin::cli::demo;
namespace fs = std::filesystem;

struct Options {
  std::string scheme = "sealed";
  std::string level = "RL1";
  std::vector<std::string> plant;
  bool keep = false;
  bool no_pcsc = false;
  bool hsm = false;
  bool look_for_keys = false;
  bool json = false;
};

// What the failed process said last.
void show_log(const fs::path& log) {
  constexpr std::size_t kShownLines = 15;
  std::vector<std::string> lines;
  std::ifstream in(log);
  for (std::string line; std::getline(in, line);) {
    lines.push_back(line);
  }
  if (lines.empty()) {
    return;
  }
  fmt::print(stderr, "The end of {}:\n", log.string());
  const std::size_t first = lines.size() > kShownLines ? lines.size() - kShownLines : 0;
  for (std::size_t at = first; at < lines.size(); ++at) {
    fmt::print(stderr, "  {}\n", lines[at]);
  }
}

int failed(const Failure& what) {
  fmt::print(stderr, "kagibin-demo: {}\n", what.text);
  if (!what.log.empty()) {
    show_log(what.log);
  }
  fmt::print(stderr, "Run it with --keep to look at the files of every process.\n");
  return what.interrupted ? cli::kExitTryAgain : cli::kExitFailed;
}

// Why an empty table proves nothing.
std::string_view disbelief(envelope::RelayLevel level) {
  switch (level) {
    case envelope::RelayLevel::kRl1:
      return "C and the device together could derive the key, and the solver did not";
    case envelope::RelayLevel::kOs:
      return "something was relayed, or C and the device together had no key to try on the "
             "envelope";
    default:
      return "C and the device together saw the SCP11a session and hold keys, and the solver tried "
             "nothing";
  }
}

// The table, then the last line and the exit code that go with it.
int conclude(const KnowledgeTable& table, bool json, Narrator& narrator) {
  narrator.line(table.text());
  const bool sealed = table.scheme == "sealed";
  if (json) {
    fmt::print("{}\n", boost::json::serialize(table.json()));
  }
  const KnowledgeRow* distributor = table.row("B");
  const KnowledgeRow* coalition = table.row(kManagerAndDevice);
  const bool control_holds = distributor != nullptr && !distributor->found.empty() &&
                             coalition != nullptr && !coalition->derived.empty();
  if (!sealed && !control_holds) {
    fmt::print(stderr,
               "kagibin-demo: the old way leaks, and the search did not show it: do not believe "
               "the search\n");
    return cli::kExitFailed;
  }
  if (sealed && !table.is_earnest()) {
    fmt::print(stderr, "kagibin-demo: {}: do not believe the solver\n", disbelief(table.level));
    return cli::kExitFailed;
  }
  if (table.keys && !table.keys->is_earnest()) {
    fmt::print(stderr,
               "kagibin-demo: the search for long-term keys does not find them where they are: do "
               "not believe it\n");
    return cli::kExitFailed;
  }
  const bool delivered =
      sealed && table.is_as_promised() && (!table.keys || table.keys->is_kept_inside());
  fmt::print("{}\n", delivered ? "delivered" : "leaked");
  return sealed && !delivered ? cli::kExitRefused : cli::kExitOk;
}

std::optional<Role> role_of(const std::string& name) {
  if (name == "distributor") {
    return Role::kDistributor;
  }
  if (name == "manager") {
    return Role::kManager;
  }
  if (name == "carrier") {
    return Role::kCarrier;
  }
  if (name == "device") {
    return Role::kDevice;
  }
  return std::nullopt;
}

// Empty, or why this is no level to run at.
std::string level_problem(const std::string& name) {
  const auto info = envelope::relay_level_by_name(name);
  if (!info) {
    return fmt::format("{}: {}. RL1 to RL4 and OS are built.", name, info.error().detail.text());
  }
  if (info->level == envelope::RelayLevel::kRl4 && !crypto::has_ml_kem()) {
    return fmt::format(
        "RL4 takes suite 20, whose ML-KEM-768 this libcrypto ({}) does not have: NOTHING WAS "
        "DELIVERED. Build one with scripts/openssl35 FOLDER, then run LD_LIBRARY_PATH=FOLDER/lib "
        "scripts/demo --level RL4",
        crypto::library_version());
  }
  return {};
}

int run(const Options& options) {
  watch_for_interruption();
  // A program that is looked at in its last moment is traced, which a leak check cannot bear.
  setenv("LSAN_OPTIONS", "detect_leaks=0", 1);  // NOLINT(concurrency-mt-unsafe): before any thread
  Narrator narrator(options.json);
  crypto::SystemRng rng;
  auto folder = ScratchFolder::create();
  if (!folder) {
    return failed(folder.error());
  }
  if (options.keep) {
    folder->keep();
    narrator.line("The files of this run stay in " + folder->path().string());
  }
  std::error_code error;
  const fs::path programs = fs::read_symlink("/proc/self/exe", error).parent_path();
  auto site = Site::create(programs, folder->path(), rng);
  if (!site) {
    return failed(site.error());
  }
  SchemeOptions scheme{
      .pcsc = !options.no_pcsc, .hsm = options.hsm, .look_for_keys = options.look_for_keys};
  if (const auto info = envelope::relay_level_by_name(options.level)) {
    scheme.level = info->level;
  }
  for (const std::string& name : options.plant) {
    if (const auto role = role_of(name)) {
      scheme.plant.push_back(*role);
    }
  }
  const auto table = options.scheme == "sealed" ? run_sealed_scheme(*site, scheme, narrator)
                                                : run_conventional_scheme(*site, scheme, narrator);
  return table ? conclude(*table, options.json, narrator) : failed(table.error());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Delivers one key, with every player as a process of its own on this machine, and examines "
      "what each of them knows afterwards.",
      "kagibin-demo");
  Options options;
  app.add_option("--scheme", options.scheme,
                 "sealed, or conventional: the old way, where the operator holds the key")
      ->capture_default_str()
      ->check(CLI::IsMember({"sealed", "conventional"}));
  auto* level =
      app.add_option(
             "--level", options.level,
             "relay level of the sealed scheme: RL1, under keys that the manager issued; where C "
             "and the device together read nothing: RL2, under certificates; RL3, under keys that "
             "the provider alone knows; RL4, both, with ML-KEM; OS, where the domain itself opens "
             "the envelope and nothing is relayed")
          ->capture_default_str()
          ->check(level_problem);
  app.add_option("--plant", options.plant)
      ->check(CLI::IsMember({"distributor", "manager", "carrier", "device"}))
      ->group("");  // for tests: the delivered key in a log of this role, which has to be found
  auto* hsm = app.add_flag(
      "--hsm", options.hsm,
      "keep all long-term keys of A, C, E and M in SoftHSM 2, and look for them everywhere else");
  app.add_flag("--look-for-keys", options.look_for_keys)->group("");  // for tests: without --hsm
  app.add_flag("--keep", options.keep, "leave the temporary folder with everybody's files");
  app.add_flag("--no-pcsc", options.no_pcsc, "reach the element by TCP, without a PC/SC reader");
  app.add_flag(
      "--json", options.json,
      "print the knowledge table as one JSON object; what happens is told on standard error");
  app.footer(
      "The last line is `delivered`, or `leaked`: with exit code 0 for the conventional scheme, "
      "which "
      "is the control, and 3 for the sealed one.");
  if (const std::optional<int> code = cli::read_command_line(app, argc, argv)) {
    return *code;
  }
  if (options.scheme != "sealed" && level->count() != 0) {
    fmt::print(stderr, "kagibin-demo: the conventional scheme has no relay level\n");
    return cli::kExitUsage;
  }
  if (options.scheme != "sealed" && hsm->count() != 0) {
    fmt::print(stderr, "kagibin-demo: the conventional scheme has no keys for a token\n");
    return cli::kExitUsage;
  }
  return run(options);
}
