// SPDX-License-Identifier: Apache-2.0
// Many orders at once: opened in one commit of the journal, sent in one request, acknowledged in
// one commit.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "kagibin/base/crash_point.h"
#include "kagibin/delivery/problem.h"
#include "kagibin/roles/service_provider/client/operator_refusal.h"
#include "kagibin/roles/service_provider/client/outbox.h"

namespace kagibin::roles::service_provider {

using delivery::JournalBatch;
using delivery::JournalOrder;
using delivery::JournalStep;
using delivery::OrderId;
using delivery::SubmissionResult;
using delivery::SubmittedOrder;

namespace {

constexpr delivery::AttemptNumber kFirst = 1;
constexpr std::string_view kTurnedDownKind = "turned_down";  // by order: the name of the error
constexpr std::string_view kUnsentKind = "unsent";  // by order: the state that it ended in before
constexpr int kRefused = 400;
constexpr int kTimeout = 408;
constexpr int kOverLimit = 429;
constexpr int kFailed = 500;
constexpr int kNotOffered = 501;
constexpr std::uint32_t kUnsaidSeconds = 60;  // where an answer without Retry-After limits us

// A body of one is a little longer than its share of a longer list.
std::size_t octets_of(const SubmittedOrder& order) {
  return to_json(delivery::Submission{.orders = {order}}).size();
}

// What a request with many may be refused for that one of a single order is not.
bool may_go_singly(int status) {
  constexpr std::array kStatuses = {400, 404, 405, 409, 413, 501};
  return std::ranges::find(kStatuses, status) != kStatuses.end();
}

// The operator will not take this order another time, whatever its problem is called.
bool is_for_good(int status) {
  return (status < kFailed && status != kTimeout && status != kOverLimit) || status == kNotOffered;
}

RunEvent turned_down(const JournalOrder& order, std::string_view why) {
  return {
      .order = order.id,
      .attempt = kFirst,
      .state = order.state,
      .text = fmt::format("The operator turned our order down ({}); it is not sent again.", why),
      .trouble = true};
}

}  // namespace

Checked<OpenedOrders> Outbox::open(std::span<const OrderWish> wishes, RunReport& report) {
  // A key that a token makes cannot be undone: what is noted of it has to be durable before.
  std::optional<JournalBatch> batch;
  if (wishes.size() > 1 && !flow_.makes_keys_in_token()) {
    JournalBatch begun = KB_TRY(JournalBatch::begin(journal_));
    batch.emplace(std::move(begun));
  }
  OpenedOrders out;
  for (const OrderWish& wish : wishes) {
    auto order = flow_.open(wish);
    if (!order && is_outage(order.error().code)) {
      return std::unexpected(order.error());
    }
    if (!order) {
      out.refused = std::move(order.error());
      break;
    }
    const auto request = record_order(wish.id);
    if (!request) {
      looked_for_forgotten_ = false;  // it may be one now
      if (is_outage(request.error().code)) {
        return std::unexpected(request.error());
      }
      report.events.push_back({.order = wish.id,
                               .attempt = 0,
                               .state = order->state,
                               .text = request.error().text,
                               .trouble = true});
    }
    out.orders.push_back(std::move(*order));
  }
  if (batch) {
    KB_TRY(batch->commit());
  }
  return out;
}

std::uint32_t Outbox::seconds_until_orders() const {
  const std::int64_t now = flow_.now();
  const bool waits = limit_ && now >= limit_->since && now < limit_->until;
  return waits ? static_cast<std::uint32_t>(limit_->until - now) : 0;
}

bool Outbox::is_over_limit(Errc code) const {
  return code == Errc::kInterrupted && api_.connection().status() == kOverLimit;
}

std::uint32_t Outbox::note_limit() {
  const std::uint32_t seconds =
      std::max(api_.connection().retry_after_seconds().value_or(kUnsaidSeconds), std::uint32_t{1});
  limit_ = Limit{.since = flow_.now(), .until = flow_.now() + seconds};
  return seconds;
}

Checked<std::optional<Outbox::WholeOrder>> Outbox::unsent(const OrderId& id,
                                                          SentOrders& sent,
                                                          RunReport& report) {
  const auto opened = KB_TRY(journal_.find_entry(id, 0, JournalStep::kOrder));
  const auto request = KB_TRY(journal_.find_entry(id, kFirst, JournalStep::kRequest));
  if (!opened || !request) {
    return std::optional<WholeOrder>();
  }
  const JournalOrder order = KB_TRY(flow_.find(id));
  if (opened->acknowledged) {
    if (const auto why = KB_TRY(turned_down_before(id))) {
      ++sent.turned_down;
      report.events.push_back(turned_down(order, std::string(why->begin(), why->end())));
      return std::optional<WholeOrder>();
    }
  }
  const bool was_sent = opened->acknowledged && request->acknowledged;
  const bool unsent =
      was_sent ? KB_TRY(noted_unsent(order)) : KB_TRY(ended_unsent(order, opened->acknowledged));
  if (unsent) {
    KB_TRY(acknowledge_both(id));
    (order.state == delivery::State::kExpired ? sent.expired : sent.cancelled).push_back(id);
    return std::optional<WholeOrder>();
  }
  if (was_sent) {
    ++sent.taken;
    return std::optional<WholeOrder>();
  }
  SubmittedOrder submitted{.id = id, .order = KB_TRY(request_of(order))};
  submitted.opening = {.kind = delivery::is_envelope(request->message)
                                   ? delivery::AttemptRequest::Kind::kDeliver
                                   : delivery::AttemptRequest::Kind::kRequest,
                       .message = request->message};
  return WholeOrder{.order = order, .submitted = std::move(submitted)};
}

Checked<SentOrders> Outbox::send_orders(std::span<const OrderId> orders, RunReport& report) {
  SentOrders sent;
  std::vector<WholeOrder> batch;
  std::size_t octets = 0;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    auto next = KB_TRY(unsent(orders[i], sent, report));
    if (!next) {
      continue;
    }
    const std::size_t more = octets_of(next->submitted);
    if (batch.size() >= batch_ || (!batch.empty() && octets + more > delivery::kMaxBodyBytes)) {
      KB_TRY(send_batch(batch, sent, report));
      if (sent.over_limit > 0) {
        sent.over_limit += orders.size() - i;
        return sent;
      }
      batch.clear();
      octets = 0;
    }
    batch.push_back(std::move(*next));
    octets += more;
  }
  if (!batch.empty()) {
    KB_TRY(send_batch(batch, sent, report));
  }
  return sent;
}

Checked<void> Outbox::acknowledge_both(const OrderId& order) {
  KB_TRY(journal_.acknowledge(order, 0, JournalStep::kOrder));
  KB_TRY(journal_.acknowledge(order, kFirst, JournalStep::kRequest));
  return {};
}

Checked<bool> Outbox::noted_unsent(const JournalOrder& order) {
  const auto noted = KB_TRY(journal_.find_record(kUnsentKind, ascii(order.id.text())));
  return noted.has_value();
}

Checked<bool> Outbox::ended_unsent(const JournalOrder& order, bool is_known) {
  const bool cancelled = order.state == delivery::State::kCancelled;
  if (order.state != delivery::State::kExpired && !cancelled) {
    return false;
  }
  const bool noted = KB_TRY(noted_unsent(order));
  if (noted || (cancelled && is_known)) {
    return noted;
  }
  if (cancelled && KB_TRY(stands_without_attempt(order.id))) {
    return false;
  }
  KB_TRY(
      journal_.put_record(kUnsentKind, ascii(order.id.text()), ascii(delivery::name(order.state))));
  return true;
}

// Nobody has heard of the attempt. Withdraws it nevertheless: the process may have ended, or the
// answer may have been lost, behind sending it.
Checked<bool> Outbox::stands_without_attempt(const OrderId& id) {
  if (KB_TRY(withdraw(id, kFirst)) != Withdrawal::kNotThere) {
    return false;
  }
  const auto there = api_.order(id);
  if (!there && there.error().code != Errc::kNotFound) {
    return std::unexpected(not_withdrawn(there.error()));
  }
  return there.has_value();
}

Checked<Withdrawal> Outbox::withdraw(const OrderId& id, delivery::AttemptNumber attempt) {
  const auto withdrawn = api_.withdraw(id, attempt, {.reason = "cancelled"});
  if (withdrawn) {
    return Withdrawal::kDone;
  }
  switch (withdrawn.error().code) {
    case Errc::kNotFound:
      return Withdrawal::kNotThere;
    case Errc::kState:
    case Errc::kConflict:
    case Errc::kExpired:
      return Withdrawal::kTooLate;
    default:
      return std::unexpected(not_withdrawn(withdrawn.error()));
  }
}

Checked<void> Outbox::withdraw_if_cancelled(const OrderId& id, delivery::AttemptNumber attempt) {
  const JournalOrder order = KB_TRY(flow_.find(id));
  if (order.state == delivery::State::kCancelled) {
    KB_TRY(withdraw(id, attempt));
  }
  return {};
}

Checked<std::optional<Bytes>> Outbox::turned_down_before(const OrderId& order) {
  return KB_TRY(journal_.find_record(kTurnedDownKind, ascii(order.text())));
}

Checked<void> Outbox::keep_turned_down(const OrderId& order, Errc why) {
  if (!KB_TRY(turned_down_before(order))) {
    KB_TRY(journal_.put_record(kTurnedDownKind, ascii(order.text()), ascii(kagibin::name(why))));
  }
  return {};
}

Checked<void> Outbox::send_batch(std::span<const WholeOrder> batch,
                                 SentOrders& sent,
                                 RunReport& report) {
  delivery::Submission submission;
  submission.orders.reserve(batch.size());
  for (const WholeOrder& one : batch) {
    submission.orders.push_back(one.submitted);
  }
  KB_CRASH_POINT("provider.submission.before_send");
  const auto answer = api_.submit(submission);
  KB_CRASH_POINT("provider.submission.after_send");
  if (!answer && may_go_singly(api_.connection().status())) {
    return send_singly(batch, sent, report);
  }
  if (!answer && is_over_limit(answer.error().code)) {
    sent.over_limit += batch.size();
    sent.retry_after_seconds = note_limit();
    return {};
  }
  if (!answer) {
    return std::unexpected(orders_not_taken(answer.error()));
  }
  return note_results(batch, answer->results, sent, report);
}

Checked<void> Outbox::note_results(std::span<const WholeOrder> batch,
                                   std::span<const SubmissionResult> results,
                                   SentOrders& sent,
                                   RunReport& report) {
  std::size_t taken = 0;
  std::vector<OrderId> taken_back;
  std::optional<Problem> outage;
  JournalBatch commit = KB_TRY(JournalBatch::begin(journal_));
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const OrderId& id = batch[i].order.id;
    const int status = results[i].status;
    if (status < kRefused) {
      ++taken;
      const JournalOrder order = KB_TRY(flow_.find(id));
      if (order.state == delivery::State::kCancelled) {
        taken_back.push_back(id);
      } else {
        KB_TRY(acknowledge_both(id));
      }
      continue;
    }
    if (status == kOverLimit) {
      ++sent.over_limit;
      continue;
    }
    const Error error = delivery::error_of(delivery::problem_response(*results[i].problem));
    if (!is_for_good(status)) {
      outage = not_taken(is_outage(error.code) ? error : Error{Errc::kHttp, error.detail});
      continue;
    }
    KB_TRY(keep_turned_down(id, error.code));
    KB_TRY(acknowledge_both(id));
    ++sent.turned_down;
    report.events.push_back(turned_down(batch[i].order, kagibin::name(error.code)));
  }
  KB_TRY(commit.commit());
  KB_CRASH_POINT("provider.submission.after_acknowledge");
  sent.taken += taken;
  if (sent.over_limit > 0) {
    sent.retry_after_seconds = note_limit();
  }
  // Most of a full request would come back, where the limit lets one through a second.
  batch_ = sent.over_limit > 0 ? std::clamp(2 * taken, std::size_t{1}, delivery::kMaxSubmitted)
                               : std::min(2 * batch_, delivery::kMaxSubmitted);
  // Not acknowledged before, for whoever ends here has to do it again.
  for (const OrderId& id : taken_back) {
    KB_TRY(withdraw(id, kFirst));
    KB_TRY(acknowledge_both(id));
  }
  return outage ? Checked<void>(std::unexpected(*outage)) : Checked<void>();
}

Checked<void> Outbox::send_singly(std::span<const WholeOrder> batch,
                                  SentOrders& sent,
                                  RunReport& report) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto taken = send_by_itself(batch[i], report);
    if (!taken && is_over_limit(taken.error().code)) {
      sent.over_limit += batch.size() - i;
      sent.retry_after_seconds = note_limit();
      return {};
    }
    if (!taken) {
      return std::unexpected(taken.error());
    }
    ++(*taken ? sent.taken : sent.turned_down);
  }
  return {};
}

Checked<bool> Outbox::send_by_itself(const WholeOrder& whole, RunReport& report) {
  const OrderId& id = whole.order.id;
  if (!KB_TRY(send_or_note({.order = id, .attempt = 0, .step = JournalStep::kOrder}, report))) {
    // The operator may know another order by this name.
    KB_TRY(journal_.acknowledge(id, kFirst, JournalStep::kRequest));
    return false;
  }
  return send_or_note({.order = id,
                       .attempt = kFirst,
                       .step = JournalStep::kRequest,
                       .message = whole.submitted.opening.message},
                      report);
}

}  // namespace kagibin::roles::service_provider
