// SPDX-License-Identifier: Apache-2.0
// kagibin-demo: one key delivered by real processes on this machine, then an examination of what
// everybody on the way knows.
#include <fstream>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "kagibin/cli/console/console.h"
#include "kagibin/cli/demo/known_secrets.h"
#include "kagibin/cli/demo/scratch_folder.h"
#include "kagibin/cli/demo/sealed_delivery.h"

namespace {

using namespace kagibin;
using namespace kagibin::cli::demo;
namespace fs = std::filesystem;

struct Options {
  std::string scheme = "sealed";
  std::string plant;
  bool keep = false;
  bool no_pcsc = false;
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

Outcome<int> run_sealed(Site& site, const Options& options, Narrator& narrator) {
  narrator.chapter("The players");
  Cast cast = KB_TRY(Cast::assemble(site, !options.no_pcsc, narrator));
  const auto secrets = KB_TRY(KnownSecrets::open(site, cast.element));
  KB_TRY(secrets->collect_long_lived());

  narrator.chapter("The delivery");
  SealedDelivery delivery(site, cast, narrator);
  KB_TRY(delivery.order());
  KB_TRY(secrets->collect_enrolment());
  KB_TRY(delivery.seal());
  KB_TRY(secrets->collect_receipt_key());
  KB_TRY(delivery.install());
  KB_TRY(secrets->collect_delivered());

  narrator.chapter("The key in use");
  KB_TRY(delivery.use(secrets->first(), secrets->delivered()));
  narrator.line("delivered");
  return cli::kExitOk;
}

int run(const Options& options) {
  watch_for_interruption();
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
  const auto code = run_sealed(*site, options, narrator);
  return code ? *code : failed(code.error());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Delivers one key, with every player as a process of its own on this machine, and examines "
      "what each of them knows afterwards.",
      "kagibin-demo");
  Options options;
  app.add_flag("--keep", options.keep, "leave the temporary folder with everybody's files");
  app.add_flag("--no-pcsc", options.no_pcsc, "reach the element by TCP, without a PC/SC reader");
  app.add_flag(
      "--json", options.json,
      "print the knowledge table as one JSON object; what happens is told on standard error");
  CLI11_PARSE(app, argc, argv);
  return run(options);
}
