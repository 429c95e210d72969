// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/campaigns/rollout_credit.h"

#include <algorithm>

namespace kagibin::roles::key_distribution_operator {

using delivery::CampaignRow;
using delivery::Rollout;

namespace {

constexpr std::int64_t kMinute = 60;

}  // namespace

std::uint32_t rate_of(const Rollout& rollout, std::uint64_t confirmed) {
  if (rollout.kind == Rollout::Kind::kConstant) {
    return rollout.per_minute;
  }
  std::uint64_t rate = rollout.per_minute;
  for (std::uint64_t steps = confirmed / rollout.each; steps > 0 && rate < rollout.max; --steps) {
    rate *= rollout.factor;  // at most 60,000 by 100
  }
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(rate, rollout.max));
}

void accrue(CampaignRow& row, std::uint32_t per_minute, std::int64_t now) {
  // Written so that no pair of times overflows.
  if (now < row.credit_at) {
    if (now < row.credit_at - kClockSkewSeconds) {
      row.credit_at = now;
    }
    return;
  }
  // A minute is enough for one order at any rate.
  const std::int64_t elapsed = now > row.credit_at + kMinute ? kMinute : now - row.credit_at;
  const std::int64_t most =
      std::max(kCreditOfOne, kCatchUpSeconds * static_cast<std::int64_t>(per_minute));
  row.credit = std::min(most, row.credit + elapsed * static_cast<std::int64_t>(per_minute));
  row.credit_at = now;
}

std::uint64_t releasable(const CampaignRow& row) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(row.credit, 0) / kCreditOfOne);
}

void take(CampaignRow& row, std::uint64_t released) {
  row.credit -= static_cast<std::int64_t>(released) * kCreditOfOne;
  row.released += released;
}

std::int64_t seconds_to_next(const CampaignRow& row, std::uint32_t per_minute) {
  if (row.credit >= kCreditOfOne) {
    return 0;
  }
  const std::int64_t rate = per_minute;
  return (kCreditOfOne - row.credit + rate - 1) / rate;
}

}  // namespace kagibin::roles::key_distribution_operator
