// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/campaigns/campaign_desk.h"

#include <utility>

#include "kagibin/delivery/campaign_messages.h"
#include "kagibin/roles/key_distribution_operator/answers.h"
#include "kagibin/roles/key_distribution_operator/campaigns/campaign_record.h"
#include "kagibin/roles/key_distribution_operator/campaigns/campaign_tally.h"
#include "kagibin/roles/key_distribution_operator/campaigns/rollout_credit.h"
#include "kagibin/roles/key_distribution_operator/campaigns/window_hours.h"

namespace kagibin::roles::key_distribution_operator {

using delivery::CampaignActor;
using delivery::CampaignRow;
using delivery::CampaignState;
using delivery::CampaignTerms;
using delivery::HttpResponse;

namespace {

Result<CampaignTerms> terms_of(const CampaignRow& row) {
  auto terms = delivery::campaign_terms_from_json(row.terms);
  if (!terms) {
    return fail(Errc::kStore, "the store holds a campaign whose terms cannot be read");
  }
  return std::move(*terms);
}

std::unexpected<Error> no_campaign() { return fail(Errc::kNotFound, "there is no such campaign"); }

// What a request makes of a campaign; empty: it stands so already, as far as who asks is concerned.
// A pause of a version that did not say whose it was is anybody's.
Result<std::optional<CampaignEvent>> event_for(CampaignRow& row,
                                               CampaignState wanted,
                                               CampaignActor by) {
  if (!delivery::is_open(row.state)) {
    return wanted == CampaignState::kCancelled && delivery::end_of(row.state) == wanted
               ? Result<std::optional<CampaignEvent>>()
               : fail(Errc::kState, "the campaign has ended or is ending");
  }
  if (wanted == CampaignState::kCancelled) {
    return std::optional(CampaignEvent::kCancel);
  }
  const bool pauses = wanted == CampaignState::kPaused;
  const bool nobodys = row.state == CampaignState::kPaused && !row.paused_by.any();
  if (row.paused_by.of(by) == pauses && !(nobodys && !pauses)) {
    return std::optional<CampaignEvent>();
  }
  row.paused_by.of(by) = pauses;
  return std::optional(pauses ? CampaignEvent::kPause : CampaignEvent::kResume);
}

CampaignState state_after(CampaignEvent event, const CampaignRow& row) {
  if (event == CampaignEvent::kCancel) {
    return CampaignState::kCancelling;
  }
  return row.paused_by.any() ? CampaignState::kPaused : CampaignState::kRunning;
}

}  // namespace

Result<HttpResponse> CampaignDesk::answer(int status, const CampaignRow& row) {
  const CampaignTerms terms = KB_TRY(terms_of(row));
  const auto counts = KB_TRY(store_.campaigns().phase_counts(row.key()));
  const CampaignTally tally(terms, counts);
  delivery::CampaignStatus out{.campaign = row.id, .next_release = {}};
  out.state = row.state;
  out.reason = row.reason;
  out.created_at = row.created_at;
  out.changed_at = row.changed_at;
  out.changed_by = row.changed_by;
  out.paused_by = row.paused_by;
  out.released = row.released;
  out.per_minute = rate_of(terms.rollout, tally.in(delivery::State::kConfirmed));
  out.groups = tally.groups();
  if (row.state == CampaignState::kRunning && tally.held() > 0) {
    CampaignRow then = row;
    accrue(then, out.per_minute, now_);
    out.next_release = next_opening(terms.windows, now_ + seconds_to_next(then, out.per_minute));
  }
  out.terms = terms;
  return json(status, to_json(out));
}

Result<HttpResponse> CampaignDesk::put_campaign(const Call& call) {
  const CampaignTerms terms = KB_TRY(delivery::campaign_terms_from_json(call.body));
  const std::string text = to_json(terms);
  const std::optional<CampaignRow> stored =
      KB_TRY(store_.campaigns().find_campaign(*call.campaign));
  if (stored) {
    return stored->terms == text
               ? answer(200, *stored)
               : fail(Errc::kConflict, "this campaign's name is taken by one with other terms");
  }
  if (terms.not_after < now_) {
    return fail(Errc::kExpired, "the campaign's notAfter has passed");
  }
  const std::uint32_t open =
      KB_TRY(store_.campaigns().open_campaigns(call.campaign->provider, kMaxOpenCampaigns));
  if (open >= kMaxOpenCampaigns) {
    return fail(Errc::kLimit, "the provider has as many open campaigns as it may have: 100");
  }
  CampaignRow row{.id = call.campaign->id, .provider = call.campaign->provider};
  row.terms = text;
  row.created_at = now_;
  row.credit = kCreditOfOne;
  row.credit_at = now_;
  KB_TRY(change_state(store_, row, CampaignEvent::kCreate, CampaignState::kRunning, "",
                      CampaignActor::kProvider, now_));
  KB_TRY(store_.campaigns().insert_campaign(row));
  return answer(201, row);
}

Result<HttpResponse> CampaignDesk::get_campaign(const Call& call) {
  const std::optional<CampaignRow> row = KB_TRY(store_.campaigns().find_campaign(*call.campaign));
  return row ? answer(200, *row) : no_campaign();
}

Result<HttpResponse> CampaignDesk::list_campaigns(const Call& call) {
  const std::uint32_t limit = call.limit.value_or(kDefaultLimit);
  const std::vector<CampaignRow> rows =
      KB_TRY(store_.campaigns().list_campaigns(*call.provider, call.after_name, limit));
  delivery::CampaignListing listing;
  listing.next = call.after_name;
  for (const CampaignRow& row : rows) {
    const CampaignTerms terms = KB_TRY(terms_of(row));
    listing.campaigns.push_back({.campaign = row.id,
                                 .state = row.state,
                                 .not_after = terms.not_after,
                                 .released = row.released});
    listing.next = row.id.text();
  }
  listing.more = rows.size() == limit;
  return json(200, to_json(listing));
}

Result<HttpResponse> CampaignDesk::put_state(const Call& call) {
  const auto wanted = KB_TRY(delivery::campaign_state_request_from_json(call.body));
  std::optional<CampaignRow> row = KB_TRY(store_.campaigns().take_campaign(*call.campaign));
  if (!row) {
    return no_campaign();
  }
  const bool operated = call.subject->party == delivery::Party::kOperator;
  const CampaignActor by = operated ? CampaignActor::kOperator : CampaignActor::kProvider;
  const std::optional<CampaignEvent> event = KB_TRY(event_for(*row, wanted.state, by));
  if (!event) {
    return answer(200, *row);
  }
  const CampaignState after = state_after(*event, *row);
  KB_TRY(after == row->state ? note_change(store_, *row, *event, wanted.reason, by, now_)
                             : change_state(store_, *row, *event, after, wanted.reason, by, now_));
  KB_TRY(store_.campaigns().update_campaign(*row));
  return answer(200, *row);
}

}  // namespace kagibin::roles::key_distribution_operator
