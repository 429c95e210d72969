// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/roles/campaign_plan.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "tests/support/must.h"

namespace kagibin::simulation {

using delivery::CampaignState;
using delivery::State;
using test::must;

namespace {

constexpr Moment kShortest = 30 * kMinute;  // when the faults are over
constexpr Moment kLongest = 100 * kMinute;
constexpr Moment kChangesWithin = 20 * kMinute;
constexpr std::string_view kSite = "site";
constexpr std::string_view kOperator = "operator:a simulation";

delivery::Rollout draw_rollout(Dice& dice) {
  const auto first = static_cast<std::uint32_t>(2 + dice.below(60));
  if (dice.hits(0.5)) {
    return {.kind = delivery::Rollout::Kind::kConstant, .per_minute = first, .max = first};
  }
  return {.kind = delivery::Rollout::Kind::kExponential,
          .per_minute = first,
          .factor = 2,
          .each = static_cast<std::uint32_t>(1 + dice.below(8)),
          .max = 8 * first};
}

delivery::AbortRule draw_rule(Dice& dice) {
  constexpr std::array kOn = {State::kRefused, State::kUnknown, State::kExpired};
  return {.on = kOn.at(dice.below(kOn.size())),
          .percent = static_cast<std::uint32_t>(5 + dice.below(50)),
          .after = static_cast<std::uint32_t>(1 + dice.below(6))};
}

// Two hours of every day, somewhere around the beginning.
delivery::MaintenanceWindow draw_window(Dice& dice) {
  constexpr std::uint16_t kDay = 24 * 60;
  constexpr std::uint16_t kLong = 120;
  const auto begins = static_cast<std::uint16_t>(kBeginningOfTheWorld / 60 % kDay);
  const auto from =
      static_cast<std::uint16_t>((begins + kDay - kLong / 2 + dice.below(kLong)) % kDay);
  return {.from = from, .to = static_cast<std::uint16_t>((from + kLong) % kDay)};
}

std::vector<CampaignPlan::Change> draw_changes(Dice& dice) {
  std::vector<CampaignPlan::Change> out;
  for (const bool operated : {false, true}) {
    if (dice.hits(0.3)) {
      const auto paused_at = static_cast<Moment>(dice.below(kChangesWithin));
      const auto resumed_at = paused_at + static_cast<Moment>(dice.below(kChangesWithin));
      out.push_back({.at = paused_at, .state = CampaignState::kPaused, .operated = operated});
      out.push_back({.at = resumed_at, .state = CampaignState::kRunning, .operated = operated});
    }
  }
  if (dice.hits(0.15)) {
    out.push_back({.at = static_cast<Moment>(dice.below(kChangesWithin)),
                   .state = CampaignState::kCancelled,
                   .operated = dice.hits(0.5)});
  }
  std::ranges::sort(out, {}, [](const CampaignPlan::Change& change) {
    return std::tuple(change.at, change.operated, change.state);
  });
  return out;
}

}  // namespace

CampaignPlan draw_campaign(Dice& dice, const std::vector<Wish>& wishes) {
  CampaignPlan plan{.id = must(delivery::CampaignId::from("a-campaign")), .terms = {}};
  const bool has_groups = dice.hits(0.5);
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    if (dice.hits(0.8)) {
      plan.members[i] = {{std::string(kSite), dice.hits(0.3) ? "lab" : "field"}};
    }
  }
  delivery::CampaignTerms& terms = plan.terms;
  terms.not_after = kBeginningOfTheWorld +
                    (kShortest + static_cast<Moment>(dice.below(kLongest - kShortest))) / kSecond;
  if (!plan.members.empty() && dice.hits(0.5)) {
    terms.orders = static_cast<std::uint32_t>(plan.members.size());
  }
  if (has_groups) {
    terms.groups = {{.name = "pilot", .match = {{std::string(kSite), "lab"}}}, {.name = "rest"}};
    terms.wait_for_group = dice.hits(0.5);
  } else {
    terms.groups = {{.name = "all"}};
  }
  terms.rollout = draw_rollout(dice);
  if (dice.hits(0.3)) {
    terms.abort = {draw_rule(dice)};
  }
  if (dice.hits(0.15)) {
    terms.windows = {draw_window(dice)};
  }
  if (dice.hits(0.3)) {
    terms.retries = delivery::RetryLimits{.declined = static_cast<std::uint32_t>(dice.below(3)),
                                          .refused = static_cast<std::uint32_t>(dice.below(3)),
                                          .unknown = static_cast<std::uint32_t>(dice.below(3))};
  }
  plan.changes = draw_changes(dice);
  return plan;
}

bool CampaignHand::see_to_it(Network& network, Role& provider, const Spid& spid) {
  RoleHttp own(network, provider, delivery::provider_subject(spid).common_name());
  RoleHttp operated(network, provider, std::string(kOperator));
  delivery::CampaignApi theirs(own);
  delivery::CampaignApi operators(operated, spid);
  if (!is_there_) {
    const auto put = theirs.put_campaign(plan_.id, plan_.terms);
    // Nobody can make it any more after its time.
    is_there_ = put || (put.error().code == Errc::kExpired &&
                        provider.ground().time.now() / kSecond + kBeginningOfTheWorld >
                            plan_.terms.not_after);
  }
  while (is_there_ && next_ < plan_.changes.size() &&
         plan_.changes[next_].at <= provider.ground().time.now()) {
    const CampaignPlan::Change& change = plan_.changes[next_];
    const auto put = (change.operated ? operators : theirs)
                         .put_state(plan_.id, {.state = change.state, .reason = "a simulation"});
    const bool is_answered = put || put.error().code == Errc::kState;  // it has ended
    if (!is_answered) {
      return false;
    }
    ++next_;
  }
  return is_there_;
}

Moment CampaignHand::next_change() const {
  return next_ < plan_.changes.size() ? plan_.changes[next_].at : 0;
}

}  // namespace kagibin::simulation
