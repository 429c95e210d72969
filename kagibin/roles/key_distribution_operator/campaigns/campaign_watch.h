// SPDX-License-Identifier: Apache-2.0
// Since when this process has seen campaigns stand as they do, by its own uptime. What waits for a
// while before a campaign ends waits by this: wall clocks of distributors may be years apart, and
// what one process sees is never longer ago than it says. A process that starts anew waits anew.
//
//   CampaignWatch watch(clock);
//   if (watch.seconds(row.key(), {.ending = true, .since = row.changed_at}) >= kEndingSeconds) ...
#pragma once

#include <cstdint>
#include <map>

#include "kagibin/base/clock.h"
#include "kagibin/delivery/campaign_rows.h"

namespace kagibin::roles::key_distribution_operator {

class CampaignWatch {
 public:
  // What is seen, as it was read from the store; `since` is part of its name, and compared with no
  // clock.
  struct Sight {
    bool ending = false;  // else: settled
    std::int64_t since = 0;
    friend bool operator==(const Sight&, const Sight&) = default;
  };

  explicit CampaignWatch(const Clock& clock) : clock_(clock) {}

  // How long the campaign has been seen like this; 0 for the first time.
  std::int64_t seconds(const delivery::CampaignKey& campaign, const Sight& sight);
  void forget(const delivery::CampaignKey& campaign) { seen_.erase(campaign); }

 private:
  struct Seen {
    Sight sight;
    std::int64_t first_ms = 0;
    std::int64_t last_ms = 0;
  };
  const Clock& clock_;
  std::map<delivery::CampaignKey, Seen> seen_;
};

}  // namespace kagibin::roles::key_distribution_operator
