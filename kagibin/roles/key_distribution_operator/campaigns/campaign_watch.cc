// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/campaigns/campaign_watch.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

// Those that others ended are forgotten when there are many, if nobody looked for so long.
constexpr std::size_t kMany = 10'000;
constexpr std::int64_t kForgottenAfterMs = 86'400'000;

}  // namespace

std::int64_t CampaignWatch::seconds(const delivery::CampaignKey& campaign, const Sight& sight) {
  const std::int64_t now = clock_.uptime_ms();
  const auto found = seen_.find(campaign);
  if (found == seen_.end()) {
    if (seen_.size() >= kMany) {
      std::erase_if(seen_, [now](const auto& entry) {
        return entry.second.last_ms + kForgottenAfterMs < now;
      });
    }
    seen_.emplace(campaign, Seen{.sight = sight, .first_ms = now, .last_ms = now});
    return 0;
  }
  Seen& seen = found->second;
  if (seen.sight != sight) {
    seen = {.sight = sight, .first_ms = now, .last_ms = now};
  }
  seen.last_ms = now;
  return (now - seen.first_ms) / 1'000;
}

}  // namespace kagibin::roles::key_distribution_operator
