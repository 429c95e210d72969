// SPDX-License-Identifier: Apache-2.0
// Runs simulated worlds, seed after seed, until one breaks a promise or the time is up.
//
//   simulation --seed 7                 one world; its violations, or its digest
//   simulation --seed 7 --trace         the same, with every message
//   simulation --from 0 --step 2 --seconds 60     0, 2, 4, ... for a minute
//   simulation --large --seed 7         a larger world
//   simulation --memory-stores ...      without SQLite (roles/stores.h)
//   simulation --mutant 1 --worlds 20   roles that break a promise (mutants.h), until it is seen
//
// The figures go to standard output as one JSON object a line: a line every few seconds, and the
// last one with "done". Exit codes: 0, 1 a violation, 2 usage, 130 interrupted.
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <malloc.h>

#include "tests/simulation/world.h"

namespace {

using kagibin::simulation::Fault;
using kagibin::simulation::kFaults;
using kagibin::simulation::Stores;
using kagibin::simulation::WorldReport;

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): a signal handler's
volatile std::sig_atomic_t asked_to_end = 0;

struct Options {
  std::optional<std::uint64_t> seed;
  std::uint64_t from = 0;
  std::uint64_t step = 1;
  std::uint64_t worlds = 0;  // 0: as many as there is time for
  double seconds = 0;
  std::uint64_t mutant = 0;
  bool trace = false;
  bool large = false;
  bool memory_stores = false;
};

struct Totals {
  std::uint64_t worlds = 0;
  WorldReport sum;
  double cpu_seconds = 0;
};

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

void add(Totals& totals, const WorldReport& one) {
  ++totals.worlds;
  totals.sum.orders += one.orders;
  totals.sum.confirmed += one.confirmed;
  totals.sum.unknown += one.unknown;
  totals.sum.otherwise += one.otherwise;
  totals.sum.campaigns += one.campaigns;
  totals.sum.requests += one.requests;
  totals.sum.apdus += one.apdus;
  totals.sum.virtual_seconds += one.virtual_seconds;
  for (std::size_t i = 0; i < kFaults; ++i) {
    totals.sum.faults.at(i) += one.faults.at(i);
  }
}

void tell(const Totals& totals, bool is_done) {
  std::string faults;
  for (std::size_t i = 0; i < kFaults; ++i) {
    faults += fmt::format("{}\"{}\":{}", i == 0 ? "" : ",", name(static_cast<Fault>(i)),
                          totals.sum.faults.at(i));
  }
  const WorldReport& sum = totals.sum;
  fmt::print(
      "{{\"seeds\":{},\"orders\":{},\"deliveries\":{},\"unknown\":{},\"otherwise\":{},"
      "\"campaigns\":{},"
      "\"requests\":{},\"apdus\":{},\"virtual_hours\":{:.2f},\"cpu_seconds\":{:.3f},"
      "\"faults\":{{{}}},\"done\":{}}}\n",
      totals.worlds, sum.orders, sum.confirmed, sum.unknown, sum.otherwise, sum.campaigns,
      sum.requests, sum.apdus, sum.virtual_seconds / 3600, totals.cpu_seconds, faults, is_done);
  static_cast<void>(std::fflush(stdout));
}

bool is_number(std::string_view text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<Options> parse(int argc, char** argv) {
  Options out;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--trace" || word == "--large" || word == "--memory-stores") {
      (word == "--trace" ? out.trace : word == "--large" ? out.large : out.memory_stores) = true;
      continue;
    }
    std::uint64_t value = 0;
    ++i;
    if (i >= argc || !is_number(argv[i], value)) {
      return std::nullopt;
    }
    if (word == "--seed") {
      out.seed = value;
    } else if (word == "--from") {
      out.from = value;
    } else if (word == "--step") {
      out.step = value;
    } else if (word == "--worlds") {
      out.worlds = value;
    } else if (word == "--mutant" && value < kagibin::simulation::kMutants) {
      out.mutant = value;
    } else if (word == "--seconds") {
      out.seconds = static_cast<double>(value);
    } else {
      return std::nullopt;
    }
  }
  return out;
}

int told_violations(const WorldReport& report, std::uint64_t seed, std::string_view command) {
  for (const std::string& sentence : report.violations) {
    fmt::print(stderr, "seed {}: {}\n", seed, sentence);
  }
  fmt::print(stderr, "seed {}\nreplay: {} --seed {} --trace\n", seed, command, seed);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse(argc, argv);
  if (!options) {
    fmt::print(stderr,
               "usage: simulation [--seed N [--trace]] | [--from N] [--step N] [--worlds N] "
               "[--seconds N] [--mutant N] [--large] [--memory-stores]\n");
    return 2;
  }
  // Worlds come and go: what one gives back the next one takes, without asking the system again.
  constexpr int kKept = 256 << 20;
  static_cast<void>(::mallopt(M_TRIM_THRESHOLD, kKept));
  static_cast<void>(::mallopt(M_MMAP_THRESHOLD, kKept));
  static_cast<void>(std::signal(SIGINT, [](int) { asked_to_end = 1; }));
  static_cast<void>(std::signal(SIGTERM, [](int) { asked_to_end = 1; }));
  Totals totals;
  const double cpu_before = cpu_seconds();
  const auto begin = std::chrono::steady_clock::now();
  double told_at = 0;
  const std::uint64_t worlds = options->seed ? 1 : options->worlds;
  for (std::uint64_t seed = options->seed.value_or(options->from); asked_to_end == 0;
       seed += options->step) {
    const WorldReport report = kagibin::simulation::run_world(
        {.seed = seed,
         .is_told = options->trace,
         .is_large = options->large,
         .stores = options->memory_stores ? Stores::Kind::kMemory : Stores::Kind::kSqlite,
         .mutant = static_cast<kagibin::simulation::Mutant>(options->mutant)});
    add(totals, report);
    totals.cpu_seconds = cpu_seconds() - cpu_before;
    const double now =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (!report.violations.empty()) {
      tell(totals, true);
      return told_violations(
          report, seed,
          std::string(argv[0])
              .append(options->large ? " --large" : "")
              .append(options->memory_stores ? " --memory-stores" : "")
              .append(options->mutant == 0 ? "" : fmt::format(" --mutant {}", options->mutant)));
    }
    if (options->seed) {
      fmt::print("seed {}: digest {:016x} of {} lines\n", seed, report.digest, report.trace_lines);
    }
    if (totals.worlds == worlds || (worlds == 0 && now >= options->seconds)) {
      break;
    }
    constexpr double kEvery = 5;
    if (now - told_at > kEvery) {
      told_at = now;
      tell(totals, false);
    }
  }
  tell(totals, true);
  return asked_to_end != 0 ? 130 : 0;
}
