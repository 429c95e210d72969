// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/fleet/fleet.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <numeric>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "kagibin/cli/fleet/check/read_back.h"
#include "kagibin/cli/fleet/in_parallel.h"

namespace kagibin::cli::fleet {

using delivery::State;

namespace {

constexpr std::uint32_t kMadeAtOnce = 1'000;
constexpr std::size_t kKeptViolations = 20;
constexpr double kNanoseconds = 1e9;
constexpr double kMicroseconds = 1e3;  // in nanoseconds
// A device whose order has not ended and that nobody called comes by itself after so long.
constexpr double kComesByItself = 3;

unsigned processors() { return std::max(1U, std::thread::hardware_concurrency()); }

}  // namespace

Fleet::Fleet(const FleetOptions& options,
             const std::filesystem::path& folder,
             const Clock& clock,
             crypto::Rng& rng)
    : options_(options),
      folder_(folder),
      clock_(clock),
      rng_(rng),
      board_(options.elements + options.alone, options.elements) {}

Fleet::~Fleet() {
  if (site_ != nullptr) {
    site_->stop();
  }
}

Checked<std::unique_ptr<Fleet>> Fleet::create(const FleetOptions& options,
                                              const std::filesystem::path& folder,
                                              const Clock& clock,
                                              crypto::Rng& rng) {
  std::unique_ptr<Fleet> out(new Fleet(options, folder, clock, rng));
  KB_TRY(out->found());
  return out;
}

Checked<void> Fleet::found() {
  figures_.options = options_;
  figures_.processors = processors();
  run_ = to_hex(KB_TRY(crypto::random_array<4>(rng_)));
  figures_.store_name = options_.store.empty() ? "SQLite" : "PostgreSQL";
  founders_ = KB_TRY(Founders::create(options_.by_certificates, clock_, rng_));
  site_ = KB_TRY(DistributorSite::open(
      {.store = options_.store, .folder = folder_, .over_tls = options_.over_tls}, clock_, rng_,
      meter_));
  if (!options_.store.empty()) {
    database_ = KB_TRY(DatabaseCpu::of(options_.store));
  }
  for (std::uint32_t i = 0; i < options_.providers; ++i) {
    providers_.push_back(KB_TRY(FleetProvider::create(i, {.founders = *founders_,
                                                          .site = *site_,
                                                          .conditions = conditions_,
                                                          .board = board_,
                                                          .meter = meter_,
                                                          .clock = clock_,
                                                          .rng = rng_,
                                                          .folder = folder_,
                                                          .seed = options_.seed})));
  }
  devices_.reserve(all_devices());
  queue_ = std::make_unique<VisitQueue>(all_devices());
  return {};
}

Checked<void> Fleet::make_some(std::uint32_t first, std::uint32_t count) {
  for (std::uint32_t number = first; number < first + count; ++number) {
    const auto name = KB_TRY(delivery::DeviceId::from(fmt::format("fleet-{}-{}", run_, number)));
    std::unique_ptr<VirtualDevice> device(
        new VirtualDevice{.number = number,
                          .provider = number < options_.elements ? number % options_.providers : 0,
                          .name = name,
                          .dice = Dice(options_.seed, number)});
    KB_TRY(rng_.fill(device->seid.octets));
    devices_.push_back(std::move(device));
  }
  std::vector<std::optional<NewElement>> made(count);
  const auto make_one = [&](std::uint32_t i) -> Checked<void> {
    VirtualDevice& device = *devices_.at(first + i);
    made[i] = KB_TRY(founders_->make(device.seid, provider_of(device).spid(), device.memory));
    KB_TRY(ElementInUse::wake(device, silicon()))->begin_counting();
    if (options_.over_tls) {
      DistributorSite::Transport own =
          KB_TRY(site_->identity(delivery::device_subject(device.name)));
      device.certificate_pem = std::move(own.certificate_pem);
      device.key_pem = std::move(own.key_pem);
    }
    return {};
  };
  KB_TRY(in_parallel(count, processors(), make_one));
  std::map<std::uint32_t, std::vector<FleetProvider::Adoption>> by_provider;
  for (std::uint32_t i = 0; i < count; ++i) {
    const VirtualDevice& device = *devices_.at(first + i);
    by_provider[device.provider].push_back({&device, std::move(*made[i])});
  }
  for (auto& [index, elements] : by_provider) {
    KB_TRY(providers_.at(index)->adopt(std::move(elements)));
  }
  return {};
}

Checked<void> Fleet::make(const std::stop_token& stop,
                          const std::function<void(std::uint32_t made)>& progress) {
  const Stopwatch watch;
  for (std::uint32_t first = 0; first < all_devices();) {
    if (stop.stop_requested()) {
      return problem(Errc::kInterrupted, "Nothing was ordered yet.");
    }
    const std::uint32_t count = std::min(kMadeAtOnce, all_devices() - first);
    KB_TRY(make_some(first, count));
    first += count;
    progress(first);
  }
  figures_.making_seconds = watch.seconds();
  return {};
}

CpuTimes Fleet::cpu_times() {
  CpuTimes out = meter_.times();
  out.at(static_cast<std::size_t>(Player::kDistributor)) += site_->network_cpu();
  out.at(static_cast<std::size_t>(Player::kDatabase)) += database_ ? database_->nanoseconds() : 0;
  return out;
}

// Of this process and of the database server beside it.
std::int64_t Fleet::all_cpu() {
  return process_cpu_nanoseconds() + (database_ ? database_->nanoseconds() : 0);
}

Checked<void> Fleet::measure_alone() {
  UnitCosts& costs = figures_.alone;
  FleetProvider& provider = *providers_.front();
  provider.connect_inside();
  Visitor visitor({.site = *site_,
                   .conditions = conditions_,
                   .silicon = silicon(),
                   .visits = visits_,
                   .apdus = apdus_});
  const CpuTimes before = cpu_times();
  for (std::uint32_t i = 0; i < options_.alone; ++i) {
    VirtualDevice& device = *devices_.at(options_.elements + i);
    const auto client = site_->connect_inside(delivery::device_subject(device.name));
    const auto provider_acts = [&]() -> Checked<void> {
      const Stopwatch watch;
      const CpuScope scope(meter_, Player::kProvider);
      KB_TRY(provider.round(0, nullptr));
      costs.provider_seconds += watch.seconds();
      return {};
    };
    const auto device_acts = [&] {
      const CpuScope scope(meter_, Player::kDevice);
      visitor.visit(device, *client, 0, {});
    };
    {
      const Stopwatch watch;
      const CpuScope scope(meter_, Player::kProvider);
      KB_TRY(provider.order(device, 0));
      costs.provider_seconds += watch.seconds();
    }
    device_acts();
    KB_TRY(provider_acts());
    device_acts();
    KB_TRY(provider_acts());
    if (board_.of(device.number).state != State::kConfirmed) {
      return problem(Errc::kState,
                     fmt::format("A delivery that was alone did not end confirmed{}; nothing was "
                                 "loaded.",
                                 board_.troubles().empty() ? "" : ": " + board_.troubles().back()));
    }
    ++costs.deliveries;
  }
  if (costs.deliveries > 0) {
    const CpuTimes spent = cpu_times() - before;
    for (std::size_t player = 0; player < kPlayers; ++player) {
      costs.cpu_us.at(player) =
          static_cast<double>(spent.at(player)) / kMicroseconds / costs.deliveries;
    }
    costs.provider_seconds /= costs.deliveries;
    costs.requests = static_cast<double>(conditions_.requests) / costs.deliveries;
  }
  KB_TRY(site_->serve());
  if (options_.over_tls) {
    KB_TRY(measure_transport());
  }
  return {};
}

// Fresh connections that ask for the server's health twice: the second time without a handshake.
Checked<void> Fleet::measure_transport() {
  constexpr int kConnections = 30;
  const delivery::HttpRequest health{.method = delivery::HttpMethod::kGet, .target = "/healthz"};
  const delivery::Subject subject = delivery::device_subject(devices_.front()->name);
  const DistributorSite::Transport own = KB_TRY(site_->identity(subject));
  double first = 0;
  double again = 0;
  for (int i = 0; i < kConnections; ++i) {
    const auto spent = [&](const auto& act) -> Checked<double> {
      const std::int64_t begin = process_cpu_nanoseconds();
      const CpuTimes handler = meter_.times();
      KB_TRY(act());
      const CpuTimes handled = meter_.times() - handler;
      return static_cast<double>(process_cpu_nanoseconds() - begin -
                                 handled.at(static_cast<std::size_t>(Player::kDistributor))) /
             kMicroseconds;
    };
    std::unique_ptr<delivery::HttpClient> client;
    const auto ask = [&]() -> Result<void> {
      KB_TRY(client->send(health));
      return {};
    };
    const auto connect_and_ask = [&]() -> Result<void> {
      client = KB_TRY(site_->connect(subject, own.certificate_pem, own.key_pem));
      return ask();
    };
    first += KB_TRY(spent(connect_and_ask));
    again += KB_TRY(spent(ask));
  }
  figures_.alone.request_us = again / kConnections;
  figures_.alone.handshake_us = std::max(0.0, (first - again) / kConnections);
  return {};
}

void Fleet::sweep(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any asked;
  std::unique_lock lock(mutex);
  std::map<std::uint32_t, double> idle_since;
  while (!stop.stop_requested()) {
    asked.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
    const double now = watch_.seconds();
    const std::vector<OrderTimes> orders = board_.all();
    for (std::uint32_t number = 0; number < orders.size(); ++number) {
      const bool waits = orders[number].is_open && !delivery::is_final(orders[number].state) &&
                         queue_->is_idle(number);
      if (!waits) {
        idle_since.erase(number);
      } else if (now - idle_since.try_emplace(number, now).first->second > kComesByItself) {
        queue_->call(number);
        idle_since.erase(number);
      }
    }
  }
}

Checked<void> Fleet::load(const std::stop_token& stop) {
  std::stop_source over;
  const std::stop_callback stopped(stop, [&] { over.request_stop(); });
  conditions_.mix = options_.failures;
  conditions_.latency = options_.latency;
  conditions_.requests = 0;
  visits_ = 0;
  apdus_ = 0;
  watch_ = Stopwatch();
  for (auto& provider : providers_) {
    provider->start(watch_);
    KB_TRY(provider->connect(over.get_token()));
  }
  const CpuTimes cpu_before = cpu_times();
  const std::int64_t process_before = all_cpu();

  std::mutex mutex;
  std::optional<roles::service_provider::Problem> failure;
  std::vector<std::jthread> visitors;
  visitors.reserve(options_.devices_at_once);
  const std::jthread sweeper([&] { sweep(over.get_token()); });
  std::vector<std::jthread> providers;
  const Visitor::Parts parts{.site = *site_,
                             .conditions = conditions_,
                             .silicon = silicon(),
                             .visits = visits_,
                             .apdus = apdus_};
  for (std::uint32_t i = 0; i < options_.devices_at_once; ++i) {
    visitors.emplace_back([&] { Visitor(parts).play(devices_, *queue_, over.get_token()); });
  }
  std::atomic<std::uint32_t> following{options_.providers};
  for (auto& provider : providers_) {
    std::vector<const VirtualDevice*> own;
    for (std::uint32_t number = 0; number < options_.elements; ++number) {
      if (&provider_of(*devices_[number]) == provider.get()) {
        own.push_back(devices_[number].get());
      }
    }
    ArrivalPattern pattern = options_.arrival;
    if (pattern.kind != ArrivalPattern::Kind::kInFlight) {
      pattern.value /= options_.providers;
    }
    providers.emplace_back([&, pattern, own = std::move(own), one = provider.get()] {
      const auto done =
          one->follow({.devices = own, .pattern = pattern, .queue = *queue_}, over.get_token());
      const std::lock_guard lock(mutex);
      if (!done && !failure && !over.stop_requested()) {
        failure.emplace(done.error());
        over.request_stop();
      }
      --following;
    });
  }
  while (following > 0 && !over.stop_requested()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (watch_.seconds() - board_.count().last_news >
        static_cast<double>(options_.patience.count())) {
      over.request_stop();
    }
  }
  providers.clear();
  figures_.interrupted = stop.stop_requested();
  over.request_stop();
  queue_->stop();
  visitors.clear();
  const double seconds = watch_.seconds();
  const CpuTimes spent = cpu_times() - cpu_before;
  figures_.busy_processors =
      static_cast<double>(all_cpu() - process_before) / kNanoseconds / seconds;
  const std::uint32_t ended = std::max(1U, board_.count().ended);
  for (std::size_t player = 0; player < kPlayers; ++player) {
    figures_.cpu_us.at(player) = static_cast<double>(spent.at(player)) / kMicroseconds / ended;
  }
  figures_.load_seconds = seconds;
  if (failure) {
    return std::unexpected(*failure);
  }
  return {};
}

Fleet::Progress Fleet::progress() const {
  Progress out{.orders = board_.count(), .seconds = watch_.seconds()};
  for (const auto& count : conditions_.failures.count) {
    out.failures += count;
  }
  return out;
}

Checked<void> Fleet::check_some(std::uint32_t number,
                                const std::vector<std::vector<FleetProvider::Listed>>& listed) {
  VirtualDevice& device = *devices_.at(number);
  Seen seen{.number = number};
  FleetProvider::Evidence evidence;
  {
    const std::lock_guard lock(findings_);
    evidence = KB_TRY(provider_of(device).evidence(device));
  }
  seen.is_ordered = evidence.is_ordered;
  seen.at_provider = evidence.state;
  seen.has_receipt = evidence.has_receipt;
  seen.confirmed_at_operator = listed.at(device.provider).at(number).confirmed;
  KB_TRY(read_back(device, silicon(), evidence.new_keys, seen));
  std::vector<std::string> found = violations(seen, !figures_.interrupted);
  const std::lock_guard lock(findings_);
  ++figures_.read_back;
  figures_.element_octets += device.resting_octets();
  figures_.by_receipt += evidence.has_receipt && seen.at_provider == State::kConfirmed ? 1U : 0U;
  figures_.violations += found.size();
  for (std::string& one : found) {
    if (figures_.first_violations.size() < kKeptViolations) {
      figures_.first_violations.push_back(std::move(one));
    }
  }
  return {};
}

Checked<void> Fleet::check() {
  const Stopwatch watch;
  for (std::size_t kind = 0; kind < kFailureKinds; ++kind) {
    const auto failure = static_cast<Failure>(kind);
    if (options_.failures.of(failure) > 0) {
      figures_.failures.emplace_back(name(failure), conditions_.failures.of(failure));
    }
  }
  figures_.requests = conditions_.requests;
  conditions_.mix = {};
  conditions_.latency = {};
  std::vector<std::vector<FleetProvider::Listed>> listed;
  for (auto& provider : providers_) {
    KB_TRY(provider->connect({}));
    listed.push_back(KB_TRY(provider->listing(all_devices())));
  }
  KB_TRY(in_parallel(options_.elements, processors(),
                     [&](std::uint32_t number) { return check_some(number, listed); }));
  figures_.element_octets /= std::max(1U, figures_.read_back);
  figures_.check_seconds = watch.seconds();
  return {};
}

RunFigures Fleet::figures() const {
  RunFigures out = figures_;
  std::map<State, std::uint32_t> states;
  double last = 0;
  for (const OrderTimes& order : board_.all()) {
    if (!order.is_open) {
      continue;
    }
    ++out.ordered;
    ++states[order.state];
    out.further_attempts += order.attempts > 1 ? order.attempts - 1 : 0;
    if (order.verdict >= 0) {
      out.verdicts.push_back(order.verdict);
      last = std::max(last, order.verdict);
    }
  }
  for (const auto& [state, count] : states) {
    out.by_state.emplace_back(delivery::name(state), count);
  }
  out.confirmed = states[State::kConfirmed];
  out.latencies = board_.latencies();
  std::ranges::sort(out.verdicts);
  if (last > 0 && !out.interrupted) {
    out.load_seconds = last;
  }
  out.visits = visits_;
  out.apdus = apdus_;
  const OrderBoard::Count count = board_.count();
  out.troubles = count.troubles;
  out.first_troubles = board_.troubles();
  return out;
}

}  // namespace kagibin::cli::fleet
