// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <limits>
#include <map>
#include <thread>

#include <signal.h>

#include "kagibin/base/clock.h"
#include "kagibin/cli/provider/provider_commands.h"
#include "kagibin/cli/transport/transport_folder.h"
#include "kagibin/crypto/key_file.h"
#include "kagibin/roles/service_provider/provider_client.h"

namespace kagibin::cli {

using delivery::OrderId;
using provider::Checked;
using provider::problem;

namespace {

std::atomic<bool> stopped = false;
void on_signal(int /*number*/) { stopped = true; }

// The home with everything that an order needs.
struct Desk {
  std::unique_ptr<ProviderHome> home;
  provider::Policy policy;
  provider::Trust trust;
  pki::Certificate certificate;
  SystemClock clock;

  static Checked<std::unique_ptr<Desk>> open(const Program& program,
                                             const ProviderOptions& options) {
    const std::filesystem::path file =
        options.policy.empty() ? program.home() / "policy.json" : options.policy;
    const std::string text = KB_TRY(read_text_file(file));
    provider::Policy policy = KB_TRY(provider::Policy::parse(text));
    auto home = KB_TRY(ProviderHome::open(program));
    provider::Trust trust = KB_TRY(home->trust());
    pki::Certificate certificate = KB_TRY(home->certificate());
    return std::unique_ptr<Desk>(
        new Desk{std::move(home), std::move(policy), std::move(trust), std::move(certificate), {}});
  }

  provider::OrderFlow flow() {
    return provider::OrderFlow({.policy = policy,
                                .trust = trust,
                                .certificate = certificate,
                                .keys = home->keys(),
                                .shipments = home->shipments(),
                                .journal = home->journal(),
                                .clock = clock,
                                .rng = home->rng()});
  }
};

struct LoadedPayload {
  provider::PayloadFile payload;
  provider::CsvFiles csv;
};

Checked<LoadedPayload> load_payload(const std::filesystem::path& file) {
  const std::string text = KB_TRY(read_text_file(file));
  LoadedPayload out{.payload = KB_TRY(provider::PayloadFile::parse(text)), .csv = {}};
  for (const std::string& name : out.payload.csv_files()) {
    const auto octets = crypto::read_file(file.parent_path() / name);
    if (!octets) {
      return problem(octets.error().code,
                     fmt::format("the CSV file {} beside the payload cannot be read", name));
    }
    out.csv.emplace(name, KB_TRY(provider::KeyCsv::parse(name, *octets)));
  }
  return out;
}

Checked<std::vector<delivery::DeviceId>> device_ids(const ProviderOptions& options) {
  std::vector<delivery::DeviceId> out;
  for (const std::string& text : options.devices) {
    out.push_back(KB_TRY(delivery::DeviceId::from(text)));
  }
  return out;
}

Checked<OrderId> order_id(const ProviderOptions& options, crypto::Rng& rng) {
  if (!options.order.empty()) {
    return KB_TRY(OrderId::from(options.order));
  }
  const std::array<std::uint8_t, 16> octets = KB_TRY(crypto::random_array<16>(rng));
  return KB_TRY(OrderId::from(to_hex(octets)));
}

bool has_ended(delivery::State state) {
  switch (state) {
    case delivery::State::kConfirmed:
    case delivery::State::kRefused:
    case delivery::State::kExpired:
    case delivery::State::kCancelled:
      return true;
    default:
      return false;
  }
}

boost::json::object order_json(const delivery::JournalOrder& order) {
  return {{"order", order.id.text()},
          {"device", order.device.text()},
          {"seid", order.seid.hex()},
          {"target", order.target.hex()},
          {"seq", order.seq},
          {"state", delivery::name(order.state)},
          {"attempt", order.current_attempt},
          {"not_after", order.not_after}};
}

// Runs `act` with a client that is connected to the distributor.
template <typename Act>
Checked<void> with_client(const Program& program, const ProviderOptions& options, Act act) {
  const auto desk = KB_TRY(Desk::open(program, options));
  const auto http =
      KB_TRY(TransportFolder(program.home())
                 .connect({.via = options.via, .demo_key_log = options.demo_key_log, .now = {}}));
  delivery::ProviderApi api(*http);
  provider::OrderFlow flow = desk->flow();
  provider::ProviderClient client(
      flow, api, desk->home->journal(),
      {.automatic_attempts = static_cast<delivery::AttemptNumber>(options.attempts)});
  return act(*desk, flow, client);
}

constexpr std::uint32_t kMaxListed = 10'000;
constexpr std::int64_t kPollMs = 200;

// Orders that a further run may still move. What is unknown after its end stays so: only a new
// order or reading the element back says more (protocol, section 7).
Checked<std::size_t> open_orders(delivery::JournalStore& journal, std::int64_t now) {
  std::size_t open = 0;
  for (const delivery::JournalOrder& order : KB_TRY(journal.orders(std::nullopt, kMaxListed))) {
    const bool lapsed = order.state == delivery::State::kUnknown && order.not_after < now;
    open += has_ended(order.state) || lapsed ? 0U : 1U;
  }
  return open;
}

// How the orders that moved in this run stand now; for the exit code.
using LastStates = std::map<std::string, delivery::State>;
std::size_t not_confirmed(const LastStates& states) {
  return static_cast<std::size_t>(std::ranges::count_if(states, [](const auto& entry) {
    return entry.second == delivery::State::kRefused || entry.second == delivery::State::kUnknown ||
           entry.second == delivery::State::kExpired;
  }));
}

// After so many failures in a row: doubled each time, at most half a minute.
std::int64_t backoff_ms(int failures) {
  return std::min<std::int64_t>(30'000, kPollMs << std::min(failures, 8));
}

// At a signal, no longer.
void wait_ms(std::int64_t milliseconds) {
  constexpr std::int64_t kStep = 100;
  for (std::int64_t left = milliseconds; left > 0 && !stopped; left -= kStep) {
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min(left, kStep)));
  }
}

}  // namespace

int provider_check(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const auto done = [&]() -> Checked<std::size_t> {
    const LoadedPayload loaded = KB_TRY(load_payload(options.file));
    const auto desk = KB_TRY(Desk::open(program, options));
    auto devices = KB_TRY(device_ids(options));
    if (devices.empty()) {
      for (const auto& [device, seid] : desk->policy.elements) {
        devices.push_back(KB_TRY(delivery::DeviceId::from(device)));
      }
    }
    KB_TRY(desk->flow().check(loaded.payload, loaded.csv, devices,
                              static_cast<std::uint32_t>(options.validity_minutes)));
    return devices.size();
  }();
  if (!done) {
    return report_problem(console, done.error(),
                          fmt::format("{} would be refused", options.file.string()));
  }
  console.result({{"payload", options.file.string()}, {"devices", *done}},
                 "{} could be delivered to {} devices; nothing was sent.", options.file.string(),
                 *done);
  return kExitOk;
}

int provider_order(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  bool opened = false;
  const auto done = with_client(
      program, options,
      [&](Desk& desk, provider::OrderFlow& flow,
          provider::ProviderClient& client) -> Checked<void> {
        const LoadedPayload loaded = KB_TRY(load_payload(options.file));
        const auto devices = KB_TRY(device_ids(options));
        if (devices.size() > 1 && !options.order.empty()) {
          return problem(Errc::kInvalidArgument,
                         "--id names one order; leave it out for several devices");
        }
        if (options.order.empty()) {  // all or none; an id may name an order that is open already
          KB_TRY(flow.check(loaded.payload, loaded.csv, devices,
                            static_cast<std::uint32_t>(options.validity_minutes)));
        }
        for (const delivery::DeviceId& device : devices) {
          const OrderId id = KB_TRY(order_id(options, desk.home->rng()));
          const delivery::JournalOrder order = KB_TRY(flow.open(
              {.id = id,
               .device = device,
               .payload = loaded.payload,
               .csv = loaded.csv,
               .validity_minutes = static_cast<std::uint32_t>(options.validity_minutes)}));
          console.result(order_json(order), "order {} for {}: SEQ {}", id.text(), device.text(),
                         order.seq);
          opened = true;
          KB_TRY(client.submit(id));
        }
        return {};
      });
  if (!done) {
    return report_problem(console, done.error(),
                          opened
                              ? "not everything was ordered; what was opened is in the journal and "
                                "is sent by: kagibin provider run"
                              : "no order was opened");
  }
  return kExitOk;
}

int provider_run(const Program& program, const ProviderOptions& options) {
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  Console console = program.console();
  bool timed_out = false;
  LastStates last_states;
  const auto done = with_client(
      program, options,
      [&](Desk& desk, provider::OrderFlow&, provider::ProviderClient& client) -> Checked<void> {
        const std::int64_t begin = desk.clock.uptime_ms();
        int failures = 0;
        while (!stopped) {
          const auto report = client.run_once();
          failures = report ? 0 : failures + 1;
          if (!report) {
            if (!options.until_done || exit_code(report.error().code) != kExitTryAgain) {
              return std::unexpected(report.error());
            }
            console.progress("{}; trying again", report.error().text);
          } else {
            for (const provider::RunEvent& event : report->events) {
              last_states[event.order.text()] = event.state;
              console.result({{"order", event.order.text()},
                              {"attempt", event.attempt},
                              {"state", delivery::name(event.state)},
                              {"text", event.text},
                              {"trouble", event.trouble}},
                             "order {} attempt {} {}: {}", event.order.text(), event.attempt,
                             delivery::name(event.state), event.text);
            }
            if (report->more) {
              continue;
            }
            const std::size_t open = KB_TRY(open_orders(desk.home->journal(), desk.clock.now()));
            if (options.until_done && open == 0) {
              return {};
            }
          }
          const std::int64_t passed = desk.clock.uptime_ms() - begin;
          const std::int64_t left = options.timeout_seconds > 0
                                        ? std::int64_t{options.timeout_seconds} * 1000 - passed
                                        : std::numeric_limits<std::int64_t>::max();
          if (left <= 0) {
            timed_out = true;
            return {};
          }
          // What the operator asks for, but never beyond --timeout.
          const std::uint32_t asked =
              report && report->retry_after_seconds ? *report->retry_after_seconds : 0;
          wait_ms(std::min(left, asked > 0 ? std::int64_t{asked} * 1000 : backoff_ms(failures)));
        }
        return {};
      });
  if (!done) {
    return report_problem(console, done.error(), "the run ended; run it again, nothing is lost");
  }
  if (timed_out) {
    return report_problem(console,
                          {Errc::kInterrupted,
                           "orders are still open when --timeout ran out. They wait for their "
                           "devices; run it again, nothing is lost."},
                          "the run ended");
  }
  const std::size_t bad = options.until_done ? not_confirmed(last_states) : 0;
  if (bad > 0) {
    return report_problem(
        console,
        {Errc::kState,
         fmt::format("{} orders did not end confirmed; the lines above say why, and what to do",
                     bad)},
        "the run is done");
  }
  return kExitOk;
}

int provider_show(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const auto done = [&]() -> Checked<void> {
    const auto home = KB_TRY(ProviderHome::open(program));
    for (const delivery::JournalOrder& order :
         KB_TRY(home->journal().orders(std::nullopt, kMaxListed))) {
      if (options.order.empty() || order.id.text() == options.order) {
        console.result(order_json(order), "{}  {:<11}  attempt {}  device {}  SEQ {}",
                       order.id.text(), delivery::name(order.state), order.current_attempt,
                       order.device.text(), order.seq);
      }
    }
    return {};
  }();
  return done ? kExitOk : report_problem(console, done.error(), "the journal cannot be shown");
}

int provider_retry(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const auto done = with_client(
      program, options,
      [&](Desk&, provider::OrderFlow&, provider::ProviderClient& client) -> Checked<void> {
        const OrderId id = KB_TRY(OrderId::from(options.order));
        return client.retry(id);
      });
  if (!done) {
    return report_problem(console, done.error(), "no further attempt was made");
  }
  console.result({{"order", options.order}},
                 "Order {} has a further attempt; follow it with: kagibin provider run",
                 options.order);
  return kExitOk;
}

int provider_cancel(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const auto done = with_client(
      program, options,
      [&](Desk&, provider::OrderFlow&, provider::ProviderClient& client) -> Checked<void> {
        const OrderId id = KB_TRY(OrderId::from(options.order));
        return client.cancel(id);
      });
  if (!done) {
    return report_problem(console, done.error(), "the order was not taken back");
  }
  console.result({{"order", options.order}},
                 "Order {} is being taken back; only the element's receipt says that it was: "
                 "kagibin provider run",
                 options.order);
  return kExitOk;
}

}  // namespace kagibin::cli
