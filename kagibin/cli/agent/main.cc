// SPDX-License-Identifier: Apache-2.0
// kagibin agent: the smart-device application. It carries work between its distributor and an
// element in a reader.
#include <chrono>

#include "kagibin/cli/console/open_card.h"
#include "kagibin/cli/console/program.h"
#include "kagibin/cli/console/recording_link.h"
#include "kagibin/cli/store/store_advice.h"
#include "kagibin/cli/transport/transport_folder.h"
#include "kagibin/cli/waiting/pace.h"
#include "kagibin/cli/waiting/stop_signals.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/device/agent.h"
#include "kagibin/device/device_time.h"
#include "kagibin/link/pcsc_reader.h"
#include "kagibin/store/agent_store_sqlite.h"

namespace {

using namespace kagibin;

struct Options {
  std::filesystem::path invitation;
  std::string reader = "0";
  std::string kda_reader;
  std::string target_reader;
  std::string via;
  std::filesystem::path apdu_log;
  std::filesystem::path demo_key_log;
  bool once = false;
  bool again = false;
  int wait_seconds = 20;
};

// The user's card or cards, opened when there is something to do.
class Cards {
 public:
  explicit Cards(const Options& options) : options_(options) {}

  Result<device::Channels> open() {
    target_.reset();
    kda_.reset();
    if (options_.kda_reader.empty()) {
      kda_ = KB_TRY(link(options_.reader));
      return device::Channels::open_logical(*kda_);
    }
    kda_ = KB_TRY(link(options_.kda_reader));
    if (options_.target_reader == options_.kda_reader) {
      return device::Channels::open_separate(*kda_, *kda_);
    }
    target_ = KB_TRY(link(options_.target_reader));
    return device::Channels::open_separate(*kda_, *target_);
  }

  // Lets the card go between runs, so that others may use the reader.
  void release() {
    target_.reset();
    kda_.reset();
  }

 private:
  Result<std::unique_ptr<apdu::CardLink>> link(const std::string& reader) {
    auto card = KB_TRY(cli::open_card(reader));
    if (options_.apdu_log.empty()) {
      return card;
    }
    return std::unique_ptr<apdu::CardLink>(
        KB_TRY(cli::RecordingLink::open(std::move(card), options_.apdu_log)));
  }

  const Options& options_;
  std::unique_ptr<apdu::CardLink> kda_;
  std::unique_ptr<apdu::CardLink> target_;
};

class AgentCommands {
 public:
  AgentCommands(cli::Program& program, Options& options)
      : program_(program),
        options_(options),
        console_(program.console()),
        transport_(program.home()) {}

  int list_readers() {
    const auto readers = link::pcsc_reader_names();
    if (!readers) {
      return console_.failed(readers.error(), "no readers");
    }
    for (std::size_t i = 0; i < readers->size(); ++i) {
      console_.result({{"number", i}, {"reader", (*readers)[i]}}, "{}  {}", i, (*readers)[i]);
    }
    return cli::kExitOk;
  }

  int join() {
    const auto joined = transport_.join(
        options_.invitation,
        {.via = options_.via, .demo_key_log = options_.demo_key_log, .now = {}}, options_.again);
    if (!joined) {
      return console_.failed(joined.error(), "not connected to the distributor");
    }
    console_.result({{"subject", *joined}}, "Connected as {}.", *joined);
    return cli::kExitOk;
  }

  int run() {
    cli::StopSignals signals;
    const auto done = work(signals);
    if (!done) {
      return console_.failed(done.error(), "the agent stopped",
                             cli::store_advice(done.error().detail.text(), store_file(),
                                               "What it was doing is in its store; run it again"));
    }
    return cli::kExitOk;
  }

 private:
  std::filesystem::path store_file() const { return program_.home() / "agent.sqlite3"; }

  Result<void> work(cli::StopSignals& signals) {
    std::error_code error;
    std::filesystem::create_directories(program_.home(), error);
    const auto store = KB_TRY(store::open_agent_store({.path = store_file()}));
    const auto last_server_time = KB_TRY(store->server_time());
    const std::int64_t not_before = KB_TRY(transport_.ca_not_before());
    const device::DeviceTime time = device::device_time(clock_.now(), not_before, last_server_time);
    if (time.replaced) {
      console_.progress(
          "This device's clock is before its distributor's CA existed; the distributor's time is "
          "used instead. Set the clock.");
    }
    const auto http = KB_TRY(
        transport_.connect({.via = options_.via,
                            .demo_key_log = options_.demo_key_log,
                            .now = time.replaced ? std::optional(time.seconds) : std::nullopt,
                            .stop = signals.token()}));
    delivery::DeviceApi api(*http);
    Cards cards(options_);
    device::Agent agent(api, *store, [&cards] { return cards.open(); }, clock_, signals.token());
    cli::Pace pace;
    while (!signals.requested()) {
      const std::int64_t begin = clock_.uptime_ms();
      const auto report =
          agent.run_once(options_.once ? 0 : static_cast<std::uint32_t>(options_.wait_seconds));
      const std::chrono::milliseconds took(clock_.uptime_ms() - begin);
      cards.release();
      if (report) {
        tell(*report);
      }
      if (options_.once) {
        return report ? Result<void>() : std::unexpected(report.error());
      }
      const auto asked = api.connection().retry_after_seconds();
      if (!report && !signals.requested()) {
        const std::string_view detail = report.error().detail.text();
        const std::string advice = cli::store_advice(detail, store_file());
        console_.progress("{}: {}; trying again{}{}", name(report.error().code), detail,
                          advice.empty() ? "" : ". ", advice);
      }
      // What the element or the distributor did not take is not asked for again at once.
      const bool stuck = !report || report->unknown > 0 || !report->troubles.empty();
      signals.pause(stuck ? pace.after_failure(asked, drawn())
                          : pace.after({.took = took,
                                        .wait = std::chrono::seconds(options_.wait_seconds),
                                        .news = did_something(*report),
                                        .asked_seconds = asked}));
    }
    return {};
  }

  std::uint32_t drawn() {
    const auto octets = crypto::random_array<4>(rng_);
    std::uint32_t out = 0xFFFF'FFFF;  // without randomness the longest pause
    for (std::size_t i = 0; octets && i < octets->size(); ++i) {
      out = (out << 8U) | (*octets)[i];
    }
    return out;
  }

  static bool did_something(const device::Agent::Report& report) {
    return report.enrolled + report.delivered + report.unknown + report.cancelled != 0;
  }

  void tell(const device::Agent::Report& report) {
    for (const auto& trouble : report.troubles) {
      console_.progress("order {} attempt {}: {}", trouble.order.id.text(), trouble.attempt,
                        trouble.sentence);
    }
    if (!did_something(report) && !options_.once) {
      return;
    }
    console_.result({{"enrolled", report.enrolled},
                     {"delivered", report.delivered},
                     {"unknown", report.unknown},
                     {"cancelled", report.cancelled},
                     {"troubles", report.troubles.size()},
                     {"apdus", report.traffic.apdus},
                     {"command_bytes", report.traffic.command_bytes},
                     {"response_bytes", report.traffic.response_bytes}},
                    "{} enrolled, {} delivered, {} unknown, {} cancelled; {} APDUs, {} bytes to "
                    "and {} bytes from the element",
                    report.enrolled, report.delivered, report.unknown, report.cancelled,
                    report.traffic.apdus, report.traffic.command_bytes,
                    report.traffic.response_bytes);
  }

  cli::Program& program_;
  Options& options_;
  cli::Console console_;
  cli::TransportFolder transport_;
  SystemClock clock_;
  crypto::SystemRng rng_;
};

void add_way_options(CLI::App* command, Options& options) {
  command->add_option("--via", options.via, "HOST:PORT of a carrier before the distributor");
  command->add_option("--demo-key-log", options.demo_key_log,
                      "append TLS secrets to this file: undoes TLS, for the demo only");
}

}  // namespace

int main(int argc, char** argv) {
  cli::Program program("agent",
                       "The smart-device application: carries work between a distributor and an "
                       "element. It holds no key of any delivery.");
  Options options;
  const auto commands = [&] { return AgentCommands(program, options); };

  auto* readers = program.app().add_subcommand("list-readers", "list the PC/SC readers");
  readers->callback([&] { program.finish(commands().list_readers()); });

  auto* join = program.app().add_subcommand("join", "redeem a distributor's invitation");
  join->add_option("invitation", options.invitation, "file from kagibin distributor invite")
      ->required()
      ->check(CLI::ExistingFile);
  join->add_flag("--again", options.again,
                 "in the place of a connection that has ended: its certificate has expired, or its "
                 "CA is not believed any more");
  add_way_options(join, options);
  join->callback([&] { program.finish(commands().join()); });

  auto* run = program.app().add_subcommand("run", "carry work until Ctrl-C");
  run->add_option(
         "--reader", options.reader,
         "PC/SC reader (name or number), or tcp:HOST:PORT; two logical channels are opened")
      ->capture_default_str();
  auto* kda =
      run->add_option("--kda-reader", options.kda_reader,
                      "reader of the key delivery application, where the target is in another one");
  auto* target = run->add_option("--target-reader", options.target_reader, "reader of the target");
  kda->needs(target);
  target->needs(kda);
  run->add_flag("--once", options.once, "do the work that is there and end");
  run->add_option("--wait", options.wait_seconds, "seconds to wait at the distributor for work")
      ->capture_default_str()
      ->check(CLI::Range(0, 60));
  run->add_option("--apdu-log", options.apdu_log,
                  "append every APDU to this file (ciphertext, and who the card is)");
  add_way_options(run, options);
  run->callback([&] { program.finish(commands().run()); });
  return program.run(argc, argv);
}
