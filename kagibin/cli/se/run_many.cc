// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/se/run_many.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <stop_token>
#include <thread>

#include "kagibin/cli/console/host_port.h"
#include "kagibin/cli/se/element_files.h"
#include "kagibin/cli/se/hosted_cards.h"
#include "kagibin/cli/se/interrupts.h"
#include "kagibin/cli/se/make_commands.h"
#include "kagibin/cli/se/resident_memory.h"
#include "kagibin/cli/se/standard_modules.h"
#include "kagibin/cli/waiting/descriptor_limit.h"
#include "kagibin/se/nvm/nvm_file.h"

namespace kagibin::cli {

namespace {

class ManyElements {
 public:
  ManyElements(const Program& program, const ManyOptions& options)
      : options_(options), console_(program.console()) {}

  int run() {
    raise_on_signals(stop_);
    raise_descriptor_limit();
    std::optional<ElementRecipe> recipe;
    if (!options_.files.profile.empty()) {
      auto opened = open_recipe(options_.files, rng_);
      if (!opened) {
        return console_.failed_text(opened.error().code, "the elements do not run",
                                    opened.error().text);
      }
      recipe = std::move(*opened);
      say_warning(console_, recipe->profile());
      if (!recipe->makes_many()) {
        return console_.failed_text(Errc::kPolicy, "the elements do not run",
                                    "the profile has keys that are given for one element: one key "
                                    "never serves two. Have them derived from a master key.");
      }
    }
    if (const auto ready = check_store(); !ready) {
      return console_.failed_file(
          ready.error(), "the elements do not run", options_.store,
          ready.error().code == Errc::kNotFound ? "--count and --profile make elements in it" : "");
    }
    const auto done = serve(recipe);
    if (!done) {
      return console_.failed_file(done.error(), "the elements do not run", failed_);
    }
    return kExitOk;
  }

 private:
  // Before anything is written: a store that is there is one of ours, and one that is not is made.
  Result<void> check_store() const {
    std::error_code error;
    const bool makes = options_.count != 0 && !options_.files.profile.empty();
    if (options_.store.empty() ||
        (makes && (!std::filesystem::exists(options_.store, error) ||
                   std::filesystem::file_size(options_.store, error) == 0))) {
      return {};
    }
    return check_store_file(options_.store);
  }

  Result<std::unique_ptr<se::HostStore>> open_store() {
    if (options_.store.empty()) {
      return nullptr;
    }
    const auto sync = options_.no_sync ? se::NvmFile::Sync::kNo : se::NvmFile::Sync::kYes;
    auto snapshot_medium = KB_TRY(se::NvmFile::open(options_.store, sync));
    auto journal_medium = KB_TRY(se::NvmFile::open(journal_of(options_.store), sync));
    return std::make_unique<se::HostStore>(std::move(snapshot_medium), std::move(journal_medium));
  }

  Result<std::unique_ptr<se::ElementHost>> open_host(const std::optional<ElementRecipe>& recipe,
                                                     const se::ModuleRegistry& modules) {
    const se::ElementHost::Environment environment{
        .rng = rng_, .clock = clock_, .modules = modules};
    std::error_code error;
    const bool saved =
        !options_.store.empty() && std::filesystem::file_size(options_.store, error) > 0 && !error;
    se::ElementHost::Options options{.awake = options_.awake,
                                     .changed_code = options_.allow_changed_code
                                                         ? se::Element::ChangedCode::kUpdate
                                                         : se::Element::ChangedCode::kRefuse,
                                     .store = KB_TRY(open_store())};
    if (saved) {
      auto host = KB_TRY(se::ElementHost::restore(environment, std::move(options)));
      if (options_.count != 0 && options_.count != host->count()) {
        return fail(Errc::kConflict,
                    "this store has another number of elements: leave out --count");
      }
      KB_TRY(host->take(0));  // says at once when their code has changed
      return host;
    }
    if (!recipe || options_.count == 0) {
      return fail(Errc::kInvalidArgument,
                  "there are no elements in this store yet: --count and --profile make them");
    }
    const se::ElementHost::Plan plan{
        .count = options_.count,
        .label = recipe->profile().name,
        .profile = [&](std::uint32_t number) { return recipe->element(options_.serial + number); },
        .threads = options_.threads,
        .progress =
            [&](std::uint32_t made) { console_.progress("{}/{} elements", made, options_.count); },
        .stopped = [&] { return stop_.raised(); }};
    return se::ElementHost::create(plan, environment, std::move(options));
  }

  Result<void> serve(const std::optional<ElementRecipe>& recipe) {
    const se::ModuleRegistry modules = KB_TRY(standard_modules());
    const HostPort where = KB_TRY(parse_host_port(options_.listen));
    link::CardPort port = KB_TRY(link::CardPort::open(
        where.host, where.port, std::min<std::size_t>(options_.ports, link::CardPort::kMaxPorts)));
    const auto begin = std::chrono::steady_clock::now();
    failed_ = options_.store;
    auto host = KB_TRY(open_host(recipe, modules));
    failed_.clear();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const std::uint64_t each = resident_octets() / host->count();
    console_.result({{"host", where.host},
                     {"port", port.port()},
                     {"ports", port.size()},
                     {"count", host->count()},
                     {"label", host->label()},
                     {"seconds", took.count()},
                     {"memory_octets_each", host->sleeping_octets() / host->count()},
                     {"resident_octets_each", each}},
                    "{} elements ({}) after {:.1f} s; {} octets of memory an element in this "
                    "process, {} of them its own content.\nListening on {}:{}; tcp:{}:{}/NUMBER "
                    "reaches each, NUMBER from 0. Ctrl-C ends it.",
                    host->count(), host->label(), took.count(), each,
                    host->sleeping_octets() / host->count(), where.host, port.port(), where.host,
                    port.port());
    HostedCards cards(*host, !options_.explain ? HostedCards::Explain::kNo
                             : console_.json() ? HostedCards::Explain::kJson
                                               : HostedCards::Explain::kText);
    {
      const std::jthread keeper(
          [&](const std::stop_token& over) { keep_journal_short(*host, over); });
      port.serve(cards, stop_);
    }
    if (!options_.store.empty()) {
      KB_TRY(host->save());
      console_.progress("{} elements lie in {}", host->count(), options_.store.string());
    }
    return {};
  }

  // A failure is not the elements' end: what they write still lasts, in the journal.
  void keep_journal_short(se::ElementHost& host, const std::stop_token& over) {
    constexpr std::uint64_t kLong = 64U << 20U;
    constexpr std::chrono::milliseconds kPause{200};
    while (!over.stop_requested()) {
      std::this_thread::sleep_for(kPause);
      if (host.journal_octets() > kLong) {
        static_cast<void>(host.save());
      }
    }
  }

  const ManyOptions& options_;
  Console console_;
  std::filesystem::path failed_;  // the file that serve() failed in
  SystemClock clock_;
  crypto::SystemRng rng_;
  link::StopSignal stop_;
};

}  // namespace

int se_run_many(const Program& program, const ManyOptions& options) {
  return ManyElements(program, options).run();
}

}  // namespace kagibin::cli
