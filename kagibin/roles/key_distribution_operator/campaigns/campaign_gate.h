// SPDX-License-Identifier: Apache-2.0
// What a campaign says to orders that want to join it, and to further attempts of those in it. The
// campaign is read without a lock: whoever ends it looks for orders that came meanwhile
// (campaign_run.h). Pure but for the store.
//
//   CampaignGate gate(store, now);
//   order.membership = KB_TRY(gate.join(provider, request));
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "kagibin/base/result.h"
#include "kagibin/delivery/order_store.h"

namespace kagibin::roles::key_distribution_operator {

class CampaignGate {
 public:
  CampaignGate(delivery::OrderTransaction& store, std::int64_t now) : store_(store), now_(now) {}

  // Of an order that names a campaign. kNotFound when there is none of this name, kState when it
  // takes none any more, kLimit when it has all its orders, kValue when no group takes the order.
  Result<delivery::Membership> join(const Spid& provider, const delivery::OrderRequest& request);

  // Before a further attempt of an order in a campaign. kState when the campaign has ended and
  // nothing was handed over of the order, or the last word on it is no; kLimit when the campaign
  // permits no attempt more after this kind of failure.
  Result<void> check_attempt(const delivery::OrderRow& order,
                             const delivery::AttemptRow& next,
                             const std::vector<delivery::AttemptRow>& earlier);
  // Whether an order may be handed to its device: it is in no campaign, or in one that goes on, or
  // something of it was handed over before, which is followed to its end.
  Result<bool> hands_over(const delivery::OrderRow& order);

 private:
  struct Read {
    delivery::CampaignRow row;
    delivery::CampaignTerms terms;
  };
  Result<const Read*> read(const delivery::CampaignKey& campaign);

  delivery::OrderTransaction& store_;
  std::int64_t now_;
  std::map<delivery::CampaignKey, Read> read_;
};

}  // namespace kagibin::roles::key_distribution_operator
