// SPDX-License-Identifier: Apache-2.0
// One service provider of a run: its keys, its journal in a SQLite file, its flow and its client,
// as `kagibin provider` has them, and the orders that are its to place.
//
// Thread-safety: one thread at a time; follow() is the provider's own loop.
//
//   auto provider = KB_TRY(FleetProvider::create(0, parts));
//   KB_TRY(provider->adopt(elements));
//   provider->follow(load);
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "kagibin/cli/fleet/load/arrivals.h"
#include "kagibin/cli/fleet/load/faulty_http.h"
#include "kagibin/cli/fleet/load/order_board.h"
#include "kagibin/cli/fleet/load/visit_queue.h"
#include "kagibin/cli/fleet/players/distributor_site.h"
#include "kagibin/cli/fleet/players/founders.h"
#include "kagibin/cli/fleet/players/virtual_device.h"
#include "kagibin/delivery/distributor_client.h"
#include "kagibin/roles/service_provider/client/provider_client.h"

namespace kagibin::cli::fleet {

class FleetProvider {
 public:
  struct Parts {
    Founders& founders;
    DistributorSite& site;
    NetworkConditions& conditions;
    OrderBoard& board;
    CpuMeter& meter;
    const Clock& clock;
    crypto::Rng& rng;
    std::filesystem::path folder;
    std::uint64_t seed = 0;
  };
  static Checked<std::unique_ptr<FleetProvider>> create(std::uint32_t index, const Parts& parts);
  FleetProvider(const FleetProvider&) = delete;
  FleetProvider& operator=(const FleetProvider&) = delete;
  ~FleetProvider();

  const Spid& spid() const { return spid_; }

  // What maker and manager say of new elements, and which device each belongs to.
  struct Adoption {
    const VirtualDevice* device;
    NewElement element;
  };
  Checked<void> adopt(std::vector<Adoption> elements);

  // The way to the distributor from now on.
  Result<void> connect(std::stop_token stop);
  void connect_inside();
  // All times from now on.
  void start(const Stopwatch& watch) { watch_ = watch; }

  // Opens an order for the device and sends it. What was not taken goes out at the next round.
  Checked<void> order(const VirtualDevice& device, double due);
  // One look at what changed, and what it asks for; true when there was something. Devices that
  // are to come again are called.
  Checked<bool> round(std::uint32_t wait_seconds, VisitQueue* queue);

  // Orders of these devices, in this order, when they are due.
  struct Load {
    std::vector<const VirtualDevice*> devices;
    ArrivalPattern pattern;
    VisitQueue& queue;
  };
  // Until every order has ended, or `stop`.
  Checked<void> follow(const Load& load, const std::stop_token& stop);
  delivery::OrderId order_id(std::uint32_t number) const;

  // At the end of a run.
  struct Evidence {
    delivery::State state = delivery::State::kOrdered;
    bool is_ordered = false;
    bool has_receipt = false;  // a receipt and a verdict are in the journal
    std::optional<roles::service_provider::ChannelKeySet> new_keys{};
  };
  Checked<Evidence> evidence(const VirtualDevice& device);
  // How often the operator lists an attempt of each order as confirmed, and whether it lists it.
  struct Listed {
    std::uint32_t attempts = 0;
    std::uint32_t confirmed = 0;
  };
  Checked<std::vector<Listed>> listing(std::uint32_t count);
  Checked<bool> all_acknowledged();

 private:
  FleetProvider(std::uint32_t index, const Parts& parts);
  Checked<void> make();
  Checked<void> make_keys();
  Checked<bool> place_next(const Load& load);
  bool has_all_ended(const Load& load) const;

  struct Own;
  std::uint32_t index_;
  Parts parts_;
  Spid spid_{};
  std::unique_ptr<Own> own_;
  Stopwatch watch_;
  std::size_t placed_ = 0;
  double next_due_ = 0;
};

}  // namespace kagibin::cli::fleet
