// SPDX-License-Identifier: Apache-2.0
// kagibin-fleet: many virtual elements and agents against one distributor, in one process, with
// every receipt verified and every element read back.
#include <filesystem>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>

#include "kagibin/cli/console/command_line.h"
#include "kagibin/cli/console/console.h"
#include "kagibin/cli/demo/scratch_folder.h"
#include "kagibin/cli/fleet/fleet.h"
#include "kagibin/cli/fleet/live_view.h"
#include "kagibin/cli/fleet/report/svg_plot.h"
#include "kagibin/cli/fleet/report/text_report.h"
#include "kagibin/cli/store/order_store_place.h"
#include "kagibin/cli/waiting/stop_signals.h"
#include "kagibin/crypto/key_file/key_file.h"

namespace {

using namespace kagibin;
using namespace kagibin::cli::fleet;
namespace fs = std::filesystem;

constexpr int kExitInterrupted = 130;

struct Words {
  std::string arrival = "burst";
  std::string failures;
  std::string level = "RL1";
  std::string transport = "tls";
  std::uint32_t latency_ms = 0;
  std::uint32_t patience_seconds = 60;
  fs::path json;
  fs::path svg;
};

int failed(const roles::service_provider::Problem& what, const FleetOptions& options) {
  const std::string advice =
      cli::OrderStorePlace(options.store, "orders.sqlite3").advice(what.text);
  fmt::print(stderr, "kagibin-fleet: {}{}{}\n", what.text, advice.empty() ? "" : ". ", advice);
  return cli::exit_code(what.code);
}

// Before a run, so that none is lost for a misspelt folder.
Checked<void> check_folder_of(const fs::path& file) {
  std::error_code none;
  if (!file.empty() && !fs::is_directory(file.has_parent_path() ? file.parent_path() : ".", none)) {
    return roles::service_provider::problem(
        Errc::kInvalidArgument,
        fmt::format("{}: its folder is not there; make it first.", file.string()));
  }
  return {};
}

Checked<FleetOptions> read(const Words& words, FleetOptions options) {
  KB_TRY(check_folder_of(words.json));
  KB_TRY(check_folder_of(words.svg));
  options.arrival = KB_TRY(ArrivalPattern::parse(words.arrival));
  options.failures = KB_TRY(FailureMix::parse(words.failures));
  options.by_certificates = words.level == "RL2";
  options.over_tls = words.transport == "tls";
  options.latency = std::chrono::milliseconds(words.latency_ms);
  options.patience = std::chrono::seconds(words.patience_seconds);
  options.devices_at_once = std::min(options.devices_at_once, options.elements);
  options.providers = std::min(options.providers, options.elements);
  return options;
}

Checked<RunFigures> run(const FleetOptions& options, cli::StopSignals& signals) {
  auto folder = KB_TRY(cli::demo::ScratchFolder::create());
  const SystemClock clock;
  crypto::SystemRng rng;
  const auto fleet = KB_TRY(Fleet::create(options, folder.path(), clock, rng));
  constexpr std::uint32_t kTold = 10'000;
  KB_TRY(fleet->make(signals.token(), [&](std::uint32_t made) {
    if (made % kTold == 0) {
      fmt::print(stderr, "{} of {} elements made\n", made, options.elements);
    }
  }));
  KB_TRY(fleet->measure_alone());
  {
    const LiveView view(*fleet);
    KB_TRY(fleet->load(signals.token()));
  }
  fmt::print(stderr, "reading {} elements back\n", options.elements);
  KB_TRY(fleet->check());
  return fleet->figures();
}

Checked<void> write(const RunFigures& figures, const Words& words) {
  if (!words.json.empty()) {
    KB_TRY(crypto::write_file(words.json,
                              ascii(boost::json::serialize(json_report(figures)) + "\n"), false));
  }
  if (!words.svg.empty()) {
    KB_TRY(crypto::write_file(words.svg, ascii(svg_plot(figures)), false));
  }
  return {};
}

int conclude(const RunFigures& figures) {
  if (figures.violations > 0) {
    return cli::kExitFailed;
  }
  return figures.interrupted ? kExitInterrupted : cli::kExitOk;
}

void add_options(CLI::App& app, FleetOptions& options, Words& words) {
  app.add_option("--elements", options.elements,
                 "how many elements, with a device and an order each")
      ->capture_default_str()
      ->check(CLI::Range(1U, FleetOptions::kMostElements));
  app.add_option("--providers", options.providers, "service providers that share the elements")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  app.add_option("--devices-at-once", options.devices_at_once,
                 "devices that are connected at the same time")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000));
  app.add_option(
         "--arrival", words.arrival,
         "when orders come: burst (all at the start), rate:R and poisson:R with R a second, "
         "in-flight:N (the next when one has ended)")
      ->capture_default_str();
  app.add_option("--level", words.level, "relay level of the deliveries: RL1 or RL2")
      ->capture_default_str()
      ->check(CLI::IsMember({"RL1", "RL2"}));
  app.add_option("--transport", words.transport,
                 "tls: HTTPS on the loopback interface, a transport certificate a device; "
                 "simulated: no network at all")
      ->capture_default_str()
      ->check(CLI::IsMember({"tls", "simulated"}));
  app.add_option("--store", options.store,
                 "postgresql://USER@HOST/DATABASE for the distributor's orders, in place of a "
                 "SQLite file that goes with the run; the orders stay there");
  app.add_option("--failures", words.failures,
                 "what goes wrong, each with its probability: lost-request, lost-answer and twice "
                 "(of each request), power-cut and agent-killed (of each visit), as "
                 "lost-answer=0.01,power-cut=0.02");
  app.add_option("--latency", words.latency_ms, "milliseconds before each request")
      ->capture_default_str()
      ->check(CLI::Range(0, 60'000));
  app.add_option("--seed", options.seed, "of arrivals and failures")->capture_default_str();
  app.add_option("--alone", options.alone,
                 "deliveries one at a time before the load, for unit costs and the ceiling")
      ->capture_default_str()
      ->check(CLI::Range(0, 10'000));
  app.add_option("--patience", words.patience_seconds,
                 "seconds without anything new before the run is given up")
      ->capture_default_str()
      ->check(CLI::Range(1, 86'400));
  app.add_option("--json", words.json, "write the report to this file as one JSON object");
  app.add_option("--svg", words.svg, "write a picture of the run to this file");
  app.footer(
      "Exit codes: 0 every order ended and every element bears it out, 1 a violation or a failure, "
      "2 wrong usage, 4 try again, 130 ended by Ctrl-C (the report tells what was done).");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Delivers a key to each of many virtual elements in one process, under load and failures, "
      "and "
      "checks every receipt and every element.",
      "kagibin-fleet");
  FleetOptions options;
  Words words;
  add_options(app, options, words);
  if (const std::optional<int> code = cli::read_command_line(app, argc, argv)) {
    return *code;
  }
  const auto wanted = read(words, options);
  if (!wanted) {
    return failed(wanted.error(), options);
  }
  cli::StopSignals signals;
  const auto figures = run(*wanted, signals);
  if (!figures) {
    return failed(figures.error(), *wanted);
  }
  fmt::print("{}", text_report(*figures));
  if (const auto written = write(*figures, words); !written) {
    return failed(written.error(), *wanted);
  }
  return conclude(*figures);
}
