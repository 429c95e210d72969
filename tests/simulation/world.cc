// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/world.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "kagibin/cli/fleet/players/founders.h"
#include "kagibin/cli/fleet/players/virtual_device.h"
#include "kagibin/delivery/store_snapshot.h"

#include "tests/simulation/check/read_back.h"
#include "tests/simulation/check/violations.h"
#include "tests/simulation/disk/faulty_disk.h"
#include "tests/simulation/disk/memory_vfs.h"
#include "tests/simulation/roles/device_process.h"
#include "tests/simulation/roles/real_element.h"
#include "tests/simulation/roles/real_provider.h"
#include "tests/support/fixed_rng.h"
#include "tests/support/must.h"

namespace kagibin::simulation {

using test::must;

namespace {

constexpr Moment kOrdersWithin = 6 * kMinute;
constexpr Moment kLookEvery = 2 * kMinute;
constexpr Moment kPatience = 4 * kHour;  // after the last fault; an order is valid for 90 minutes

// In memory where the system has such a folder: a disk that loses power is another test's. SQLite's
// files are in memory altogether, unless they are to be `on_disk`.
class Folder {
 public:
  explicit Folder(bool on_disk) {
    use_memory_vfs(!on_disk);
    const std::filesystem::path memory = "/dev/shm";
    std::error_code none;
    const std::filesystem::path parent = std::filesystem::is_directory(memory, none)
                                             ? memory
                                             : std::filesystem::temp_directory_path();
    std::string pattern = (parent / "kagibin-simulation-XXXXXX").string();
    KB_CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    forget_memory_files(path_);
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The most that there are of each: providers, devices of a provider, orders of a device.
struct Most {
  std::uint64_t providers;
  std::uint64_t devices;
  std::uint64_t orders;
};
constexpr Most kSmall{.providers = 1, .devices = 1, .orders = 1};
constexpr Most kUsual{.providers = 3, .devices = 3, .orders = 3};
constexpr Most kLarge{.providers = 2, .devices = 48, .orders = 12};

struct Resident {  // a device with its element
  RealProvider* provider = nullptr;
  Seid seid{};
  std::unique_ptr<RealElement> element;
  std::unique_ptr<DeviceProcess> device;
};

class World {
 public:
  explicit World(const WorldOptions& options);
  ~World();
  WorldReport run();

 private:
  const Most& most() const {
    return options_.is_small ? kSmall : options_.is_large ? kLarge : kUsual;
  }
  std::uint64_t draw_up_to(std::uint64_t limit) { return limit == 1 ? 1 : 1 + dice_.below(limit); }
  void make_distributors();
  void make_provider(std::size_t number);
  void make_device(RealProvider& provider, std::size_t number);
  void plan_clock_faults();
  void run_until(Moment moment);
  bool is_waiting();
  bool has_open_campaign();
  void kill_everybody();
  void end();
  void check(WorldReport& report);
  SeenOrder seen(const Resident& resident, const Wish& wish, delivery::OrderStore& store);

  WorldOptions options_;
  Folder folder_;
  Dice dice_;
  Dice mutant_dice_;
  Dice campaign_dice_;
  Ground ground_;
  test::FixedRng rng_;
  test::FixedRng element_rng_;
  RoleClock right_clock_;
  Network network_;
  Stores stores_;
  SharedStore shared_;
  kdo::TransportCa ca_;
  crypto::Ed25519PrivateKey log_key_;
  Acknowledgements acknowledged_;
  std::vector<std::unique_ptr<DistributorProcess>> distributors_;
  std::unique_ptr<cli::fleet::Founders> founders_;
  SealedBook sealed_;
  std::vector<std::unique_ptr<RealProvider>> providers_;
  std::vector<Resident> residents_;
  bool orders_early_ = false;
  bool keeps_enrolments_ = false;
  bool has_campaigns_ = false;
};

std::string stream(std::uint64_t seed, std::string_view name) {
  return fmt::format("simulation {} {}", seed, name);
}

World::World(const WorldOptions& options)
    : options_(options),
      folder_(options.is_on_disk),
      dice_(options.seed, 1),
      mutant_dice_(options.seed, 2),
      campaign_dice_(options.seed, 4),
      ground_{.time = {}, .faults = Faults(Dice(options.seed, 3)), .trace = Trace(options.is_told)},
      rng_(stream(options.seed, "roles")),
      element_rng_(stream(options.seed, "elements")),
      right_clock_(ground_.time),
      network_(ground_),
      stores_(options.stores),
      shared_(ground_, stores_, folder_.path() / "orders"),
      ca_(must(kdo::create_transport_ca("simulation", right_clock_.now(), rng_))),
      log_key_(must(crypto::Ed25519PrivateKey::generate(rng_))) {
  has_campaigns_ =
      campaign_dice_.hits(0.25) && options.mutant == Mutant::kNone && !options.is_small;
  make_distributors();
  founders_ = must(cli::fleet::Founders::create(dice_.hits(0.3), right_clock_, rng_));
  orders_early_ = dice_.hits(0.15);
  keeps_enrolments_ = dice_.hits(0.35);
  const std::uint64_t providers = draw_up_to(most().providers);
  for (std::uint64_t i = 0; i < providers; ++i) {
    make_provider(i);
    const std::uint64_t devices = draw_up_to(most().devices);
    for (std::uint64_t j = 0; j < devices; ++j) {
      make_device(*providers_.back(), j);
    }
    if (has_campaigns_) {
      providers_.back()->plan(draw_campaign(campaign_dice_, providers_.back()->wishes()));
    }
  }
}

World::~World() { end(); }

void World::make_distributors() {
  const bool may_be_two = options_.mutant == Mutant::kNone && !options_.is_small;
  const std::size_t count = may_be_two ? 1 + static_cast<std::size_t>(dice_.hits(0.5)) : 1;
  if (options_.mutant != Mutant::kNone) {
    shared_.put_between([this](std::unique_ptr<delivery::OrderStore> store) {
      return mutate(std::move(store), options_.mutant, mutant_dice_);
    });
    // Where it has its chance to break the promise.
    for (const auto& [fault, rate] :
         {std::pair(Fault::kDistributorKilled, 0.02), std::pair(Fault::kProviderKilled, 0.02),
          std::pair(Fault::kAgentKilled, 0.02), std::pair(Fault::kPowerCut, 0.8)}) {
      ground_.faults.set_rate(fault, rate);
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    distributors_.push_back(std::make_unique<DistributorProcess>(
        DistributorProcess::Parts{.ground = ground_,
                                  .shared = shared_,
                                  .ca = ca_,
                                  .log_key = log_key_,
                                  .rng = rng_,
                                  .acknowledged = acknowledged_,
                                  .number = i,
                                  .has_campaigns = has_campaigns_}));
    network_.add(*distributors_.back());
  }
}

void World::make_provider(std::size_t number) {
  RealProvider::Parts parts{.founders = *founders_,
                            .network = network_,
                            .rng = rng_,
                            .sealed = sealed_,
                            .stores = stores_,
                            .folder = folder_.path() / fmt::format("provider-{}", number),
                            .keeps_enrolments = keeps_enrolments_,
                            .orders_early = orders_early_};
  if (options_.mutant == Mutant::kMovesCursorFirst) {
    parts.on_answer = move_cursor_first;
  }
  providers_.push_back(
      std::make_unique<RealProvider>(ground_, fmt::format("provider-{}", number), parts));
}

void World::make_device(RealProvider& provider, std::size_t number) {
  Resident resident;
  resident.provider = &provider;
  must(rng_.fill(resident.seid.octets));
  const auto name =
      must(delivery::DeviceId::from(fmt::format("{}-device-{}", provider.name(), number)));
  resident.element = std::make_unique<RealElement>(
      RealElement::Silicon{.modules = founders_->modules(),
                           .clock = right_clock_,
                           .rng = element_rng_,
                           .sealed = sealed_,
                           .forgets = options_.mutant == Mutant::kForgetsInstalls});
  provider.adopt(name, resident.seid,
                 must(founders_->make(resident.seid, provider.spid(), resident.element->memory())));
  resident.element->begin_counting();
  DeviceProcess::Parts parts{.network = network_,
                             .element = *resident.element,
                             .stores = stores_,
                             .name = name,
                             .store = folder_.path() / fmt::format("{}.jobs", name.text())};
  if (options_.mutant == Mutant::kForgetsJobs) {
    parts.between = [this](std::shared_ptr<delivery::AgentStore> store) {
      return mutate(std::move(store), options_.mutant, mutant_dice_);
    };
  }
  resident.device = std::make_unique<DeviceProcess>(ground_, parts);
  const std::uint64_t orders = draw_up_to(most().orders);
  std::vector<Moment>
      dues;  // in the order of their numbers: each replaces the keys of the one before
  dues.reserve(orders);
  for (std::uint64_t i = 0; i < orders; ++i) {
    dues.push_back(static_cast<Moment>(dice_.below(kOrdersWithin)));
  }
  std::ranges::sort(dues);
  for (std::uint64_t i = 1; i <= orders; ++i) {
    const Moment due = dues[i - 1];
    const bool is_cancelled = dice_.hits(0.1) && !options_.is_small;
    provider.wish(
        {.id = must(delivery::OrderId::from(fmt::format("{}.{}", name.text(), i))),
         .device = name,
         .due = due,
         .cancelled_at = is_cancelled ? due + static_cast<Moment>(dice_.below(kOrdersWithin)) : 0});
  }
  residents_.push_back(std::move(resident));
}

void World::plan_clock_faults() {
  std::vector<RoleClock*> clocks;
  for (const auto& distributor : distributors_) {
    clocks.push_back(&distributor->clock());
    if (dice_.hits(0.3)) {  // two distributors, and neither is right
      constexpr std::int64_t kMost = 600;
      distributor->clock().jump(static_cast<std::int64_t>(dice_.below(kMost)) - kMost / 2);
    }
  }
  for (const auto& provider : providers_) {
    clocks.push_back(&provider->clock());
  }
  for (const Resident& resident : residents_) {
    clocks.push_back(&resident.device->clock());
  }
  for (RoleClock* clock : clocks) {
    const auto wrong_at = static_cast<Moment>(dice_.below(2 * kOrdersWithin));
    const std::uint64_t how = dice_.below(40);
    const auto jump = static_cast<std::int64_t>(dice_.below(2'400)) - 1'200;
    if (how > 3) {
      continue;
    }
    ground_.time.at(wrong_at, [this, clock, how, jump] {
      if (!ground_.faults.are_on()) {
        return;
      }
      ground_.faults.count(Fault::kClock);
      if (how == 0) {
        clock->go_back_to_1970();
      } else if (how == 1) {
        clock->stand_still();
      } else {
        clock->jump(jump);
      }
    });
  }
}

void World::run_until(Moment moment) {
  bool is_reached = false;
  ground_.time.at(moment, [&] { is_reached = true; });
  while (!is_reached && ground_.time.step()) {
  }
}

bool World::is_waiting() {
  const FaultyDisk::Pause from_outside;
  return std::ranges::any_of(providers_, [](const auto& one) { return one->is_waiting(); });
}

bool World::has_open_campaign() {
  if (!has_campaigns_) {
    return false;
  }
  const auto store = must(shared_.open_quietly());
  const auto transaction = must(store->begin());
  return std::ranges::any_of(providers_, [&](const auto& one) {
    return must(transaction->campaigns().open_campaigns(one->spid(), 1)) != 0;
  });
}

void World::kill_everybody() {
  for (const auto& distributor : distributors_) {
    distributor->kill();
  }
  for (const auto& provider : providers_) {
    provider->die();
  }
  for (const Resident& resident : residents_) {
    resident.device->die();
  }
}

void World::end() {
  if (ground_.is_over) {
    return;
  }
  ground_.is_over = true;
  for (const auto& provider : providers_) {
    provider->finish();
  }
  for (const Resident& resident : residents_) {
    resident.device->finish();
  }
}

SeenOrder World::seen(const Resident& resident, const Wish& wish, delivery::OrderStore& store) {
  SeenOrder out{.name = fmt::format("{}/{}", resident.provider->name(), wish.id.text()),
                .provider = resident.provider->evidence(wish),
                .was_asked_to_cancel = wish.cancelled_at != 0};
  const auto& installs = resident.element->installs();
  const auto found = installs.find(out.provider.seq);
  out.installs = out.provider.is_ordered && found != installs.end() ? found->second : 0;
  const auto transaction = must(store.begin());
  const delivery::OrderKey key{.provider = resident.provider->spid(), .id = wish.id};
  if (const auto order = must(transaction->find_order(key))) {
    out.is_at_operator = true;
    out.at_operator = order->state;
    for (const delivery::AttemptRow& attempt : must(transaction->attempts_of(key))) {
      out.has_receipt_unread =
          out.has_receipt_unread || attempt.state == delivery::State::kReported;
      out.confirmed_attempts += attempt.state == delivery::State::kConfirmed ? 1U : 0U;
    }
  }
  const bool is_last = !installs.empty() && installs.rbegin()->first == out.provider.seq;
  if (is_last && out.provider.state == delivery::State::kConfirmed) {
    const auto keys = resident.provider->keys_after(wish, resident.seid);
    out.opens_with_its_keys =
        keys && opens_with(*resident.element, *keys,
                           static_cast<std::uint8_t>(cli::fleet::kFirstKeyVersion +
                                                     RealProvider::number_of(wish.id)),
                           element_rng_);
  }
  return out;
}

void World::check(WorldReport& report) {
  const auto store = must(shared_.open_quietly());
  kdo::LogKeeper keeper(log_key_);
  kdo::Distributor distributor(
      {.store = *store, .ca = ca_, .clock = right_clock_, .rng = rng_, .log = &keeper});
  for (const Resident& resident : residents_) {
    for (const Wish& wish : resident.provider->wishes()) {
      if (wish.device != resident.device->device()) {
        continue;
      }
      const SeenOrder order = seen(resident, wish, *store);
      std::ranges::move(violations_of(order), std::back_inserter(report.violations));
      report.orders += order.provider.is_ordered ? 1U : 0U;
      report.confirmed += order.provider.state == delivery::State::kConfirmed ? 1U : 0U;
      report.unknown += order.provider.state == delivery::State::kUnknown ? 1U : 0U;
    }
    if (resident.element->strange_installs() != 0) {
      report.violations.push_back("I1 an element installed what nobody sealed");
    }
    if (resident.device->lost_jobs() != 0) {
      report.violations.push_back(
          fmt::format("I2 {}: {} jobs that its store had acknowledged were not there",
                      resident.device->name(), resident.device->lost_jobs()));
    }
    report.apdus += resident.device->apdus();
  }
  for (const auto& provider : providers_) {
    if (provider->campaign()) {
      ++report.campaigns;
      std::ranges::move(
          campaign_findings({.provider = provider->spid(), .id = provider->campaign()->plan().id},
                            *store),
          std::back_inserter(report.violations));
    }
  }
  report.otherwise = report.orders - report.confirmed - report.unknown;
  std::ranges::move(lost_acknowledgements(acknowledged_, distributor, *store),
                    std::back_inserter(report.violations));
  static_cast<void>(distributor.tick());
  std::ranges::move(log_findings(acknowledged_, *store, keeper.verifier()),
                    std::back_inserter(report.violations));
}

WorldReport World::run() {
  for (const auto& provider : providers_) {
    provider->close();
  }
  if (options_.before_it_begins) {
    WorldHands hands{.time = ground_.time,
                     .faults = ground_.faults,
                     .folder = folder_.path(),
                     .kill_everybody = [this] { kill_everybody(); }};
    options_.before_it_begins(hands);
  }
  for (const auto& distributor : distributors_) {
    distributor->start();
  }
  for (const auto& provider : providers_) {
    provider->start();
  }
  for (const Resident& resident : residents_) {
    resident.device->start();
  }
  const Moment end_of_faults = kOrdersWithin + static_cast<Moment>(dice_.below(3 * kOrdersWithin));
  if (options_.has_faults) {
    ground_.faults.start();
    plan_clock_faults();
  }
  run_until(end_of_faults);
  ground_.faults.stop();
  for (const auto& distributor : distributors_) {
    distributor->clock().set_right();
  }
  for (const auto& provider : providers_) {
    provider->clock().set_right();
  }
  for (const Resident& resident : residents_) {
    resident.device->clock().set_right();
  }
  Moment look = end_of_faults;
  do {
    look += kLookEvery;
    run_until(look);
  } while ((is_waiting() || has_open_campaign()) && look < end_of_faults + kPatience);
  run_until(look + 10 * kMinute);  // what is late in the network still comes
  end();
  distributors_.clear();
  const FaultyDisk::Pause from_outside;
  WorldReport report;
  report.digest = ground_.trace.digest();
  report.trace_lines = ground_.trace.lines();
  report.requests = network_.requests();
  report.virtual_seconds = static_cast<double>(ground_.time.now()) / kSecond;
  report.faults = ground_.faults.counts();
  check(report);
  return report;
}

}  // namespace

WorldReport run_world(const WorldOptions& options) { return World(options).run(); }

}  // namespace kagibin::simulation
