// SPDX-License-Identifier: Apache-2.0
// A service provider as `kagibin provider` has it: its keys, its journal in a SQLite file, its flow
// and its client. Each order of a device replaces the key set of the one before by another one,
// under the next key version.
//
// Ownership: refers to what it is given. Thread-safety: one thread.
//
//   auto provider = RealProvider::create(ground, parts);
//   provider->adopt(device, seid, founders.make(seid, provider->spid(), memory));
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "kagibin/cli/fleet/players/founders.h"
#include "kagibin/roles/service_provider/client/provider_client.h"

#include "tests/simulation/core/role_stores.h"
#include "tests/simulation/roles/campaign_plan.h"
#include "tests/simulation/roles/provider_side.h"
#include "tests/simulation/roles/stores.h"

namespace kagibin::simulation {

namespace provider = roles::service_provider;

class RealProvider final : public ProviderSide {
 public:
  struct Parts {
    cli::fleet::Founders& founders;
    Network& network;
    crypto::Rng& rng;
    SealedBook& sealed;
    Stores& stores;
    std::filesystem::path folder;
    bool keeps_enrolments = false;  // one visit in the steady state
    bool orders_early = false;      // before the device's order before has ended
    // For mutants: what sees every answer.
    std::function<void(
        const delivery::HttpRequest&, delivery::HttpResponse&, delivery::JournalStore&)>
        on_answer{};
  };
  RealProvider(Ground& ground, const std::string& name, const Parts& parts);
  ~RealProvider() override;

  void wish(const Wish& wish) override;
  // What maker and manager say of a new element.
  void adopt(const delivery::DeviceId& device, const Seid& seid, cli::fleet::NewElement element);

  // Before the start, behind all wishes.
  void plan(CampaignPlan campaign) { campaign_.emplace(std::move(campaign)); }
  const std::optional<CampaignHand>& campaign() const { return campaign_; }

  // All of it is made: it lets go of its files until it starts.
  void close();

  const Spid& spid() const override { return spid_; }
  RoleClock& clock() override { return clock_; }
  Evidence evidence(const Wish& wish) override;
  bool is_waiting() override;
  // Orders of a device are named DEVICE.1, DEVICE.2, ...
  static std::uint8_t number_of(const delivery::OrderId& order);
  // The key set under the version of the order's, as the provider knows it when all is over.
  std::optional<provider::ChannelKeySet> keys_after(const Wish& wish, const Seid& seid);

 private:
  struct Own;
  void live() override;
  Result<void> open();
  void make();
  std::string payload_of(const Wish& wish, std::uint8_t held) const;
  provider::Checked<void> place_due();
  // The wishes of one device, which become due one after another.
  struct Queue {
    std::vector<std::size_t> wishes;
    std::size_t next = 0;  // the first that was not placed in this life
    bool waits = false;    // for an order before it
  };
  provider::Checked<void> place_next(Queue& queue);
  void join_campaign(provider::OrderWish& order, std::size_t wish) const;
  bool will_go_on(const Queue& queue);
  provider::Checked<delivery::State> state_of(std::size_t index);
  // The journal, to look at it from outside, whether the provider runs or not.
  delivery::JournalStore& reader();
  // The key version that the device's domain will hold; empty while that is not known.
  provider::Checked<std::optional<std::uint8_t>> held(const Queue& queue);
  std::uint8_t version_of(const Wish& wish) const;
  Moment next_due() const;
  Moment ground_now() const { return time_.now(); }

  Parts parts_;
  const VirtualTime& time_;
  RoleClock clock_;
  Spid spid_{};
  std::unique_ptr<Own> own_;
  std::map<std::string, Queue> queues_;                // by device
  std::vector<std::optional<delivery::State>> final_;  // of each wish
  std::optional<CampaignHand> campaign_;
  std::set<std::size_t> cancelled_;  // in this life
  std::shared_ptr<delivery::JournalStore> read_;
};

}  // namespace kagibin::simulation
