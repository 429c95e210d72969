// SPDX-License-Identifier: Apache-2.0
// What becomes of campaigns as time passes: orders are released as the rollout allows, rules of
// abort are looked at before each release, and what has to end ends.
//
// One step is one transaction on one campaign that is due, which no other distributor holds; it
// changes kOrdersAStep orders at most. A campaign that is cancelled, aborted or past its notAfter
// first has everything cancelled that was handed over to no device; kEndingSeconds later, when
// every request that still read it as open has ended, it is looked at once more, and its end is
// final. What was handed over stays open for its receipt and its verdict. A campaign is complete
// when it has all its orders and all have settled for kEndingSeconds, or for kRetrySeconds where
// its provider may still try again; and at its notAfter, when there is nothing to cancel. These
// times are counted by campaign_watch.h, from the first look at what was committed. Pure but for
// the store.
//
//   CampaignRun run(transaction, now, watch);
//   const auto topics = KB_TRY(run.step());   // empty: no campaign is due
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kagibin/base/result.h"
#include "kagibin/delivery/order_store.h"
#include "kagibin/roles/key_distribution_operator/campaigns/campaign_tally.h"
#include "kagibin/roles/key_distribution_operator/campaigns/campaign_watch.h"

namespace kagibin::roles::key_distribution_operator {

inline constexpr std::uint32_t kOrdersAStep = 100;
inline constexpr std::int64_t kEndingSeconds =
    30;  // twice what a server lets a session stand still
inline constexpr std::int64_t kRetrySeconds = 60;
inline constexpr std::int64_t kPutOffSeconds = 60;
inline constexpr std::int64_t kNapSeconds = 2;  // between looks at a campaign with nothing to do

class CampaignRun {
 public:
  CampaignRun(delivery::OrderTransaction& store, std::int64_t now, CampaignWatch& watch)
      : store_(store), now_(now), watch_(watch) {}

  // The topics with news; empty when no campaign is due.
  Result<std::optional<std::vector<std::string>>> step();
  // The campaign of the last step. One whose step failed is put off, in a transaction of its own,
  // so that it does not stand in the way of the others.
  const std::optional<delivery::CampaignKey>& campaign() const { return campaign_; }
  Result<void> put_off(const delivery::CampaignKey& campaign);
  // What the last step did to orders.
  bool has_released() const { return released_; }
  bool has_cancelled() const { return cancelled_; }

 private:
  Result<std::optional<delivery::CampaignRow>> take_due();
  Result<void> advance(delivery::CampaignRow& row);
  Result<void> advance_open(delivery::CampaignRow& row,
                            const delivery::CampaignTerms& terms,
                            const CampaignTally& tally);
  Result<void> release(delivery::CampaignRow& row,
                       const delivery::CampaignTerms& terms,
                       const CampaignTally& tally);
  // `stood`: the store has had the campaign ending before this step.
  Result<void> cancel_some(delivery::CampaignRow& row,
                           const delivery::CampaignTerms& terms,
                           bool stood);
  Result<delivery::CampaignState> end_of(const delivery::CampaignRow& row,
                                         const delivery::CampaignTerms& terms);
  bool is_complete(delivery::CampaignRow& row,
                   const delivery::CampaignTerms& terms,
                   const CampaignTally& tally);

  delivery::OrderTransaction& store_;
  std::int64_t now_;
  CampaignWatch& watch_;
  std::vector<std::string> topics_;
  std::optional<delivery::CampaignKey> campaign_;
  bool released_ = false;
  bool cancelled_ = false;
};

}  // namespace kagibin::roles::key_distribution_operator
