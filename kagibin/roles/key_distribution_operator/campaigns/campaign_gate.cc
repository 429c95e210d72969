// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/campaigns/campaign_gate.h"

#include <algorithm>
#include <utility>

#include "kagibin/roles/key_distribution_operator/campaigns/campaign_tally.h"

namespace kagibin::roles::key_distribution_operator {

using delivery::AttemptRow;
using delivery::CampaignKey;
using delivery::Membership;
using delivery::OrderRow;
using delivery::State;

namespace {

// The provider refused it before anything was handed over.
bool is_declined(const AttemptRow& attempt) {
  return attempt.state == State::kRefused && attempt.kind == delivery::Work::Kind::kEnrol &&
         !attempt.envelope;
}

bool is_same_failure(const AttemptRow& left, const AttemptRow& right) {
  return left.state == right.state && is_declined(left) == is_declined(right);
}

std::uint32_t limit_for(const delivery::RetryLimits& limits, const AttemptRow& failed) {
  if (failed.state == State::kUnknown) {
    return limits.unknown;
  }
  return is_declined(failed) ? limits.declined : limits.refused;
}

}  // namespace

Result<const CampaignGate::Read*> CampaignGate::read(const CampaignKey& campaign) {
  const auto known = read_.find(campaign);
  if (known != read_.end()) {
    return &known->second;
  }
  std::optional<delivery::CampaignRow> row = KB_TRY(store_.campaigns().find_campaign(campaign));
  if (!row) {
    return fail(Errc::kNotFound, "there is no such campaign; it is made before orders join it");
  }
  auto terms = delivery::campaign_terms_from_json(row->terms);
  if (!terms) {
    return fail(Errc::kStore, "the store holds a campaign whose terms cannot be read");
  }
  return &read_.emplace(campaign, Read{.row = std::move(*row), .terms = std::move(*terms)})
              .first->second;
}

Result<Membership> CampaignGate::join(const Spid& provider, const delivery::OrderRequest& request) {
  const CampaignKey key{.provider = provider, .id = *request.campaign};
  const Read* campaign = KB_TRY(read(key));
  if (!delivery::is_open(campaign->row.state) || campaign->terms.not_after < now_) {
    return fail(Errc::kState, "the campaign has ended or is ending, and takes no more orders");
  }
  const std::optional<std::uint32_t> group = campaign->terms.group_of(request.attributes);
  if (!group) {
    return fail(Errc::kValue, "no group of the campaign takes an order with these attributes");
  }
  if (campaign->terms.orders) {
    const auto counts = KB_TRY(store_.campaigns().phase_counts(key));
    if (CampaignTally(campaign->terms, counts).is_full()) {
      return fail(Errc::kLimit, "the campaign has as many orders as it was made for");
    }
  }
  return Membership{
      .campaign = *request.campaign, .group = *group, .attributes = request.attributes};
}

Result<bool> CampaignGate::hands_over(const OrderRow& order) {
  if (!order.membership || order.membership->touched) {
    return true;
  }
  const Read* campaign =
      KB_TRY(read({.provider = order.provider, .id = order.membership->campaign}));
  return delivery::is_open(campaign->row.state) ||
         campaign->row.state == delivery::CampaignState::kCompleted;
}

Result<void> CampaignGate::check_attempt(const OrderRow& order,
                                         const AttemptRow& next,
                                         const std::vector<AttemptRow>& earlier) {
  if (next.kind == delivery::Work::Kind::kCancel) {
    return {};  // taking back what was sealed is always let through
  }
  const Read* campaign =
      KB_TRY(read({.provider = order.provider, .id = order.membership->campaign}));
  // What was handed over is followed to its end, whatever became of the campaign.
  const bool in_doubt = order.membership->touched && order.state != State::kRefused;
  if (!delivery::is_open(campaign->row.state) && !in_doubt) {
    return fail(Errc::kState, "the order's campaign has ended or is ending");
  }
  const bool failed = order.state == State::kRefused || order.state == State::kUnknown;
  if (!campaign->terms.retries || earlier.empty() || !failed) {
    return {};
  }
  const AttemptRow& last = earlier.back();
  const auto failures = std::ranges::count_if(
      earlier, [&](const AttemptRow& one) { return is_same_failure(one, last); });
  if (failures > std::int64_t{limit_for(*campaign->terms.retries, last)}) {
    return fail(Errc::kLimit, "the campaign permits no further attempt after this kind of failure");
  }
  return {};
}

}  // namespace kagibin::roles::key_distribution_operator
