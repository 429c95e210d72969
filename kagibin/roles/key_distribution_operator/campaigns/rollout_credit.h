// SPDX-License-Identifier: Apache-2.0
// How many orders a campaign may release now: a bucket of credit in sixtieths of an order, to which
// every second adds the rate (orders a minute).
//
// In any time of T seconds at most rate * T / 60 orders are released, and the bucket besides: what
// ten seconds give, or one order. So a distributor that was away catches up no more than that. A
// clock that stands still adds nothing; one that went back by up to five minutes is waited for
// (distributors on one store need not agree better); after a greater jump, either way, counting
// begins anew from the time that it shows. Pure.
//
//   accrue(row, rate_of(terms.rollout, confirmed), now);
//   const std::uint64_t some = releasable(row);
//   take(row, released);
#pragma once

#include <cstdint>

#include "kagibin/delivery/campaign_rows.h"

namespace kagibin::roles::key_distribution_operator {

inline constexpr std::int64_t kCreditOfOne = 60;
inline constexpr std::int64_t kCatchUpSeconds = 10;
inline constexpr std::int64_t kClockSkewSeconds = 300;

// Orders a minute, when so many are confirmed.
std::uint32_t rate_of(const delivery::Rollout& rollout, std::uint64_t confirmed);
void accrue(delivery::CampaignRow& row, std::uint32_t per_minute, std::int64_t now);
std::uint64_t releasable(const delivery::CampaignRow& row);
void take(delivery::CampaignRow& row, std::uint64_t released);
// Until there is credit for one more; 0: there is.
std::int64_t seconds_to_next(const delivery::CampaignRow& row, std::uint32_t per_minute);

}  // namespace kagibin::roles::key_distribution_operator
