// SPDX-License-Identifier: Apache-2.0
// kagibin se: runs a virtual secure element behind vpcd's protocol, for PC/SC or for direct TCP.
#include <optional>

#include "kagibin/cli/console/host_port.h"
#include "kagibin/cli/console/program.h"
#include "kagibin/cli/se/element_card.h"
#include "kagibin/cli/se/element_files.h"
#include "kagibin/cli/se/explaining_card.h"
#include "kagibin/cli/se/interrupts.h"
#include "kagibin/cli/se/make_commands.h"
#include "kagibin/cli/se/run_many.h"
#include "kagibin/cli/se/standard_modules.h"
#include "kagibin/cli/se/store_commands.h"
#include "kagibin/link/vpcd_pair.h"
#include "kagibin/se/nvm/nvm_file.h"
#include "kagibin/se/nvm/nvm_memory.h"

namespace {

using namespace kagibin;

struct Options {
  std::filesystem::path state;
  cli::RecipeFiles files;
  std::uint32_t serial = 1;
  std::string listen = "127.0.0.1:35963";
  std::string vpcd;
  bool single = false;
  bool no_sync = false;
  bool allow_changed_code = false;
  bool explain = false;
};

class SeCommands {
 public:
  SeCommands(cli::Program& program, Options& options)
      : options_(options), console_(program.console()) {}

  int run() {
    std::optional<cli::ElementRecipe> recipe;
    if (!options_.files.profile.empty()) {
      auto opened = cli::open_recipe(options_.files, rng_);
      if (!opened) {
        return console_.failed_text(opened.error().code, "the element does not run",
                                    opened.error().text);
      }
      recipe = std::move(*opened);
      cli::say_warning(console_, recipe->profile());
    }
    if (!recipe) {
      if (const auto is = cli::check_element_file(options_.state); !is) {
        return console_.failed_file(is.error(), "the element does not run", options_.state,
                                    is.error().code == Errc::kNotFound
                                        ? "kagibin maker make and kagibin se make make elements"
                                        : "");
      }
    }
    const link::StopSignal stop;
    cli::raise_on_signals(stop);
    const auto served = serve(recipe, stop);
    if (!served) {
      return console_.failed_file(served.error(), "the element does not run", failed_);
    }
    return cli::kExitOk;
  }

 private:
  // Out of its file, or a temporary one in memory.
  Result<std::unique_ptr<se::Element>> element(const std::optional<cli::ElementRecipe>& recipe,
                                               const se::ModuleRegistry& modules) {
    if (recipe) {
      const se::ElementProfile profile = KB_TRY(recipe->element(options_.serial));
      return se::Element::create(profile, std::make_unique<se::NvmMemory>(), rng_, clock_, modules);
    }
    auto medium = KB_TRY(se::NvmFile::open(
        options_.state, options_.no_sync ? se::NvmFile::Sync::kNo : se::NvmFile::Sync::kYes));
    return se::Element::open(std::move(medium), rng_, clock_, modules,
                             options_.allow_changed_code ? se::Element::ChangedCode::kUpdate
                                                         : se::Element::ChangedCode::kRefuse);
  }

  Result<void> serve(const std::optional<cli::ElementRecipe>& recipe,
                     const link::StopSignal& stop) {
    const se::ModuleRegistry modules = KB_TRY(cli::standard_modules());
    failed_ = recipe ? std::filesystem::path() : options_.state;
    auto element = KB_TRY(this->element(recipe, modules));
    failed_.clear();
    cli::ElementCard quiet(*element);
    cli::ExplainingCard explaining(quiet, *element, console_.json());
    link::CardSide& card = options_.explain ? static_cast<link::CardSide&>(explaining) : quiet;
    link::VpcdCard vpcd(card);
    if (!options_.vpcd.empty()) {
      const cli::HostPort where = KB_TRY(cli::parse_host_port(options_.vpcd));
      console_.result({{"vpcd", options_.vpcd}}, "Connecting to vpcd at {}. Ctrl-C ends it.",
                      options_.vpcd);
      return vpcd.serve_connecting(where.host, where.port, stop);
    }
    const cli::HostPort where = KB_TRY(cli::parse_host_port(options_.listen));
    if (options_.single) {
      auto listener = KB_TRY(link::ListeningSocket::open(where.host, where.port));
      announce(where.host, listener.port());
      return vpcd.serve_listening(listener, stop);
    }
    const auto pair = KB_TRY(link::VpcdPair::open(where.host, where.port));
    announce(where.host, pair->port());
    return vpcd.serve_listening(pair->listener(), stop);
  }

  void announce(const std::string& host, std::uint16_t port) {
    console_.result({{"host", host}, {"port", port}}, "Listening on {}:{}. Ctrl-C ends it.", host,
                    port);
  }

  Options& options_;
  cli::Console console_;
  std::filesystem::path failed_;  // the file that serve() failed in
  SystemClock clock_;
  crypto::SystemRng rng_;
};

void add_key_options(CLI::App& command, cli::RecipeFiles& files, std::uint32_t& serial) {
  command.add_option("--keys", files.keys,
                     "the profile's keys: lines NAME.PART = HEXADECIMAL, such as issuer.master");
  command.add_option("--keys-out", files.keys_out,
                     "draw the keys that --keys lacks and write all of them to this new file");
  command.add_option("--serial", serial, "the element's serial number, in its CIN and CPLC")
      ->capture_default_str();
}

}  // namespace

int main(int argc, char** argv) {
  cli::Program program(
      "se",
      "A virtual secure element. This runs one that kagibin maker made, or makes one "
      "from a profile.");
  Options options;
  auto* run = program.app().add_subcommand("run", "run an element until Ctrl-C");
  auto* state = run->add_option("--state", options.state,
                                "the element's file, as kagibin maker or kagibin se make wrote it");
  auto* profile = run->add_option(
      "--profile", options.files.profile,
      "instead: a temporary element in memory, made from this profile (a shipped one's name, or a "
      "file) and gone at the end: kagibin se run --profile factory");
  state->excludes(profile);
  cli::ManyOptions many;
  auto* count = run->add_option(
      "--count", many.count,
      "that many different elements in this process, numbered from 0; tcp:HOST:PORT/NUMBER "
      "reaches each, port PORT+n element n for vpcd");
  count->check(CLI::Range(1, 1'000'000))->excludes(state);
  auto* store = run->add_option(
      "--store", many.store,
      "with many elements: the file that they last in (with a journal beside it, FILE.log); run "
      "again with it alone, they go on");
  store->excludes(state);
  run->add_option("--ports", many.ports, "with many elements: neighbouring ports to listen on")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  run->add_option("--awake", many.awake,
                  "with many elements: how many stay awake when nobody uses them")
      ->capture_default_str();
  run->add_option("--threads", many.threads,
                  "with many elements: threads that make them (0: one a core)")
      ->capture_default_str();
  add_key_options(*run, options.files, options.serial);
  run->add_option("--listen", options.listen,
                  "HOST:PORT to listen on; vpcd (DEVICENAME HOST:PORT) or tcp:HOST:PORT connects; "
                  "port 0 takes a free one; "
                  "the port above is taken for vpcd's second slot")
      ->capture_default_str();
  run->add_option("--vpcd", options.vpcd, "connect to a vpcd that listens at HOST:PORT instead")
      ->excludes(count)
      ->excludes(store);
  run->add_flag("--single", options.single, "listen on one port only (for tcp:, not for vpcd)")
      ->excludes(count)
      ->excludes(store);
  run->add_flag("--no-sync", options.no_sync,
                "do not wait for the disk: faster, and a power cut of the machine may lose state");
  run->add_flag("--allow-changed-code", options.allow_changed_code,
                "run although the built-in code is not what the element was made with");
  run->add_flag("--explain", options.explain,
                "say on standard error why each command is refused: what is wrong, the clause, the "
                "key and the tries left, what to do; with --json one object a line; with many "
                "elements with the element's number");
  run->callback([&] {
    if (many.count != 0 || !many.store.empty()) {
      many.files = options.files;
      many.serial = options.serial;
      many.listen = options.listen;
      many.no_sync = options.no_sync;
      many.explain = options.explain;
      many.allow_changed_code = options.allow_changed_code;
      program.finish(cli::se_run_many(program, many));
      return;
    }
    if (options.state.empty() && options.files.profile.empty()) {
      throw CLI::RequiredError("--state, --profile or --store");
    }
    program.finish(SeCommands(program, options).run());
  });

  cli::MakeOptions making;
  auto* make = program.app().add_subcommand(
      "make", "make an element from a profile by hand, without a maker's certificate");
  make->add_option("--profile", making.files.profile, "a shipped profile's name, or a file")
      ->required();
  make->add_option("--state", making.state, "the element's file, which must not exist")->required();
  add_key_options(*make, making.files, making.serial);
  make->callback([&] { program.finish(cli::se_make(program, making)); });

  cli::StoreCopyOptions copying;
  auto* snapshot = program.app().add_subcommand(
      "snapshot", "copy all elements of a store into one file, while they run or not");
  snapshot->add_option("--store", copying.store, "the store, as kagibin se run --store has it")
      ->required();
  snapshot->add_option("--out", copying.copy, "the copy, a file that must not exist")->required();
  snapshot->callback([&] { program.finish(cli::se_snapshot(program, copying)); });

  auto* restore =
      program.app().add_subcommand("restore", "make a store of such a copy, and go on from it");
  restore->add_option("snapshot", copying.copy, "the copy, as kagibin se snapshot made it")
      ->required();
  restore->add_option("--store", copying.store, "the store for kagibin se run --store")->required();
  restore->add_flag("--replace", copying.replace, "give up the elements that the store has now");
  restore->callback([&] { program.finish(cli::se_restore(program, copying)); });

  auto* profiles = program.app().add_subcommand("profiles", "list the shipped profiles");
  profiles->callback([&] { program.finish(cli::se_profiles(program)); });

  std::string shown;
  auto* show = program.app().add_subcommand("show-profile", "print a profile");
  show->add_option("profile", shown, "a shipped profile's name, or a file")->required();
  show->callback([&] { program.finish(cli::se_show_profile(program, shown)); });
  return program.run(argc, argv);
}
