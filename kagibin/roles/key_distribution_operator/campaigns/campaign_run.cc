// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/campaigns/campaign_run.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "kagibin/roles/key_distribution_operator/campaigns/campaign_record.h"
#include "kagibin/roles/key_distribution_operator/campaigns/rollout_credit.h"
#include "kagibin/roles/key_distribution_operator/campaigns/window_hours.h"
#include "kagibin/roles/key_distribution_operator/order_book.h"

namespace kagibin::roles::key_distribution_operator {

using delivery::CampaignActor;
using delivery::CampaignRow;
using delivery::CampaignState;
using delivery::CampaignTerms;
using delivery::OrderRow;

// The longest waiting; or one that waits for a time that a clock showed which went back since.
Result<std::optional<CampaignRow>> CampaignRun::take_due() {
  using Limits = std::numeric_limits<std::int64_t>;
  std::optional<CampaignRow> row = KB_TRY(store_.campaigns().take_due(Limits::min(), now_));
  if (!row) {
    row = KB_TRY(store_.campaigns().take_due(now_ + kClockSkewSeconds, Limits::max()));
  }
  return row;
}

Result<std::optional<std::vector<std::string>>> CampaignRun::step() {
  std::optional<CampaignRow> row = KB_TRY(take_due());
  if (!row) {
    return std::optional<std::vector<std::string>>();
  }
  campaign_ = row->key();
  row->due = now_ + kNapSeconds;
  KB_TRY(advance(*row));
  KB_TRY(store_.campaigns().update_campaign(*row));
  return std::optional(std::exchange(topics_, {}));
}

Result<void> CampaignRun::put_off(const delivery::CampaignKey& campaign) {
  std::optional<CampaignRow> row = KB_TRY(store_.campaigns().take_campaign(campaign));
  if (!row) {
    return {};
  }
  row->due = now_ + kPutOffSeconds;
  return store_.campaigns().update_campaign(*row);
}

Result<void> CampaignRun::advance(CampaignRow& row) {
  const auto terms = delivery::campaign_terms_from_json(row.terms);
  if (!terms) {  // written by somebody else; it must not stand in the way of the others
    row.due = now_ + kClockSkewSeconds;
    return {};
  }
  const CampaignState stood = row.state;
  if (delivery::is_open(row.state)) {
    const auto counts = KB_TRY(store_.campaigns().phase_counts(row.key()));
    const CampaignTally tally(*terms, counts);
    KB_TRY(advance_open(row, *terms, tally));
  }
  return delivery::is_open(row.state) || delivery::is_end(row.state)
             ? Result<void>()
             : cancel_some(row, *terms, row.state == stood);
}

Result<void> CampaignRun::advance_open(CampaignRow& row,
                                       const CampaignTerms& terms,
                                       const CampaignTally& tally) {
  if (is_complete(row, terms, tally)) {
    return change_state(store_, row, CampaignEvent::kEnd, CampaignState::kCompleted, "",
                        CampaignActor::kDistributor, now_);
  }
  if (terms.not_after < now_) {
    return change_state(store_, row, CampaignEvent::kExpire, CampaignState::kExpiring,
                        "the campaign's notAfter has passed", CampaignActor::kDistributor, now_);
  }
  if (const std::optional<std::string> why = tally.reason_to_abort()) {
    return change_state(store_, row, CampaignEvent::kAbort, CampaignState::kAborting, *why,
                        CampaignActor::kDistributor, now_);
  }
  return row.state == CampaignState::kRunning ? release(row, terms, tally) : Result<void>();
}

// A provider that may try again does so within a while of its verdict. Requests that counted the
// orders before the last one came are over by the end of the shorter while.
bool CampaignRun::is_complete(CampaignRow& row,
                              const CampaignTerms& terms,
                              const CampaignTally& tally) {
  const bool over = terms.not_after < now_;
  const bool all = terms.orders ? tally.is_full() : over && tally.orders() > 0;
  if (!all || !tally.has_settled()) {
    row.settled_at = 0;
    watch_.forget(row.key());
    return false;
  }
  if (row.settled_at == 0) {
    row.settled_at = std::max<std::int64_t>(now_, 1);
    return false;
  }
  if (over) {
    return false;  // first everything has to be cancelled that came meanwhile
  }
  const bool may_retry = tally.in(delivery::State::kRefused) > 0 &&
                         (!terms.retries || terms.retries->declined + terms.retries->refused > 0);
  return watch_.seconds(row.key(), {.ending = false, .since = row.settled_at}) >=
         (may_retry ? kRetrySeconds : kEndingSeconds);
}

Result<void> CampaignRun::release(CampaignRow& row,
                                  const CampaignTerms& terms,
                                  const CampaignTally& tally) {
  const std::uint32_t rate = rate_of(terms.rollout, tally.in(delivery::State::kConfirmed));
  accrue(row, rate, now_);
  if (tally.held() == 0 || !is_open(terms.windows, now_)) {
    return {};
  }
  const std::uint64_t allowed = std::min<std::uint64_t>(releasable(row), kOrdersAStep);
  std::vector<OrderRow> orders;
  if (allowed > 0) {
    orders = KB_TRY(store_.campaigns().orders_to_release(row.key(), tally.last_group(),
                                                         static_cast<std::uint32_t>(allowed)));
  }
  OrderBook book(store_, now_);
  for (OrderRow& order : orders) {
    KB_TRY(book.release(order));
    topics_.push_back(topic_of(order.device));
  }
  released_ = !orders.empty();
  if (released_) {
    topics_.push_back(topic_of(row.provider));
  }
  take(row, orders.size());
  const bool more = orders.size() == kOrdersAStep && releasable(row) > 0;
  row.due =
      now_ + (more ? 0 : std::clamp<std::int64_t>(seconds_to_next(row, rate), 1, kNapSeconds));
  return {};
}

// What has expired may have become unknown since.
Result<CampaignState> CampaignRun::end_of(const CampaignRow& row, const CampaignTerms& terms) {
  if (row.state != CampaignState::kExpiring || row.settled_at == 0) {
    return delivery::end_of(row.state);
  }
  const auto counts = KB_TRY(store_.campaigns().phase_counts(row.key()));
  return CampaignTally(terms, counts).has_settled() ? CampaignState::kCompleted
                                                    : CampaignState::kExpired;
}

Result<void> CampaignRun::cancel_some(CampaignRow& row, const CampaignTerms& terms, bool stood) {
  std::vector<OrderRow> orders =
      KB_TRY(store_.campaigns().orders_to_cancel(row.key(), kOrdersAStep));
  OrderBook book(store_, now_);
  for (OrderRow& order : orders) {
    KB_TRY(book.cancel(order));
  }
  cancelled_ = !orders.empty();
  if (cancelled_) {
    row.settled_at = 0;
    topics_.push_back(topic_of(row.provider));
    row.due = orders.size() == kOrdersAStep ? now_ : now_ + 1;
    return {};
  }
  row.due = now_ + kNapSeconds;
  if (!stood ||
      watch_.seconds(row.key(), {.ending = true, .since = row.changed_at}) < kEndingSeconds) {
    return {};
  }
  const CampaignState end = KB_TRY(end_of(row, terms));
  watch_.forget(row.key());
  return change_state(store_, row, CampaignEvent::kEnd, end, row.reason,
                      CampaignActor::kDistributor, now_);
}

}  // namespace kagibin::roles::key_distribution_operator
