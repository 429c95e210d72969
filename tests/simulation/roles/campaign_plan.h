// SPDX-License-Identifier: Apache-2.0
// A campaign of a simulated provider: its terms, which of the provider's orders join it, and when
// the provider and the distributor's operator pause, resume or cancel it. And who sees to it.
//
// Thread-safety: one thread.
//
//   provider.plan(draw_campaign(dice, provider.wishes()));
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kagibin/delivery/campaign_client.h"

#include "tests/simulation/core/faults.h"
#include "tests/simulation/core/network.h"
#include "tests/simulation/roles/provider_side.h"

namespace kagibin::simulation {

struct CampaignPlan {
  struct Change {
    Moment at = 0;
    delivery::CampaignState state = delivery::CampaignState::kRunning;
    bool operated = false;  // by the distributor's operator
  };
  delivery::CampaignId id;
  delivery::CampaignTerms terms;
  std::map<std::size_t, delivery::Attributes> members{};  // by number of the wish
  std::vector<Change> changes{};                          // one after another
};

CampaignPlan draw_campaign(Dice& dice, const std::vector<Wish>& wishes);

// Puts the campaign, and its changes when they are due, each until it was answered.
class CampaignHand {
 public:
  explicit CampaignHand(CampaignPlan plan) : plan_(std::move(plan)) {}

  const CampaignPlan& plan() const { return plan_; }
  // False: the campaign is not there yet, or a change was not answered; again a little later.
  bool see_to_it(Network& network, Role& provider, const Spid& spid);
  // 0: there is none.
  Moment next_change() const;

 private:
  CampaignPlan plan_;
  bool is_there_ = false;
  std::size_t next_ = 0;
};

}  // namespace kagibin::simulation
