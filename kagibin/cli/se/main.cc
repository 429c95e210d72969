// SPDX-License-Identifier: Apache-2.0
// kagibin se: runs a virtual secure element behind vpcd's protocol, for PC/SC or for direct TCP.
#include <signal.h>

#include "kagibin/cli/console/host_port.h"
#include "kagibin/cli/console/program.h"
#include "kagibin/cli/se/element_card.h"
#include "kagibin/cli/se/explaining_card.h"
#include "kagibin/cli/se/standard_modules.h"
#include "kagibin/link/vpcd_pair.h"
#include "kagibin/se/nvm/nvm_file.h"

namespace {

using namespace kagibin;

const link::StopSignal* stop_signal = nullptr;
void on_signal(int /*number*/) { stop_signal->raise(); }

struct Options {
  std::filesystem::path state;
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
    const link::StopSignal stop;
    stop_signal = &stop;
    struct sigaction action{};
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    const auto served = serve(stop);
    if (!served) {
      return console_.failed(served.error(), "the element does not run");
    }
    return cli::kExitOk;
  }

 private:
  Result<void> serve(const link::StopSignal& stop) {
    const se::ModuleRegistry modules = KB_TRY(cli::standard_modules());
    auto medium = KB_TRY(se::NvmFile::open(
        options_.state, options_.no_sync ? se::NvmFile::Sync::kNo : se::NvmFile::Sync::kYes));
    auto element =
        KB_TRY(se::Element::open(std::move(medium), rng_, clock_, modules,
                                 options_.allow_changed_code ? se::Element::ChangedCode::kUpdate
                                                             : se::Element::ChangedCode::kRefuse));
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
  SystemClock clock_;
  crypto::SystemRng rng_;
};

}  // namespace

int main(int argc, char** argv) {
  cli::Program program("se", "A virtual secure element. kagibin maker makes one; this runs it.");
  Options options;
  auto* run = program.app().add_subcommand("run", "run an element until Ctrl-C");
  run->add_option("--state", options.state, "the element's file, as kagibin maker wrote it")
      ->required();
  run->add_option("--listen", options.listen,
                  "HOST:PORT to listen on; vpcd (DEVICENAME HOST:PORT) or tcp:HOST:PORT connects; "
                  "port 0 takes a free one; "
                  "the port above is taken for vpcd's second slot")
      ->capture_default_str();
  run->add_option("--vpcd", options.vpcd, "connect to a vpcd that listens at HOST:PORT instead");
  run->add_flag("--single", options.single, "listen on one port only (for tcp:, not for vpcd)");
  run->add_flag("--no-sync", options.no_sync,
                "do not wait for the disk: faster, and a power cut of the machine may lose state");
  run->add_flag("--allow-changed-code", options.allow_changed_code,
                "run although the built-in code is not what the element was made with");
  run->add_flag("--explain", options.explain,
                "say on standard error why each command is refused: what is wrong, the clause, the "
                "key and the tries left, what to do; with --json one object a line");
  run->callback([&] { program.finish(SeCommands(program, options).run()); });
  return program.run(argc, argv);
}
