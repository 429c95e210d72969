// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "kagibin/crypto/sha256.h"
#include "kagibin/delivery/campaign_messages.h"
#include "kagibin/delivery/relayed_message.h"
#include "kagibin/roles/key_distribution_operator/answers.h"
#include "kagibin/roles/key_distribution_operator/order_book.h"

namespace kagibin::roles::key_distribution_operator {

using delivery::AttemptRequest;
using delivery::AttemptRow;
using delivery::Event;
using delivery::HttpResponse;
using delivery::OrderRow;
using delivery::OrderStatus;
using delivery::State;
using delivery::Work;

namespace {

Result<OrderStatus> status_of_order(delivery::OrderTransaction& store, const OrderRow& order) {
  OrderStatus status{.order = order.id, .device = order.device, .not_after = order.not_after};
  status.state = order.state;
  if (order.membership) {
    status.campaign = order.membership->campaign;
    status.held = delivery::phase_of(order.state, order.membership->held) == delivery::kHeldPhase;
  }
  const std::vector<AttemptRow> attempts = KB_TRY(store.attempts_of(order.key()));
  for (const AttemptRow& attempt : attempts) {
    status.attempts.push_back(status_of(attempt));
  }
  return status;
}

}  // namespace

Result<OrderRow> OrderBook::order_of_provider(const Call& call) {
  std::optional<OrderRow> order = KB_TRY(store_.find_order(*call.order));
  if (!order) {
    return fail(Errc::kNotFound, "there is no such order");
  }
  return std::move(*order);
}

Result<AttemptRow> OrderBook::attempt_of_provider(const Call& call) {
  std::optional<AttemptRow> attempt = KB_TRY(store_.find_attempt(*call.order, call.attempt));
  if (!attempt) {
    return fail(Errc::kNotFound, "there is no such attempt");
  }
  return std::move(*attempt);
}

Result<OrderBook::Opened<OrderRow>> OrderBook::open_order(const delivery::OrderKey& key,
                                                          const delivery::OrderRequest& request) {
  std::optional<OrderRow> stored = KB_TRY(store_.find_order(key));
  if (stored) {
    if (delivery::request_of(*stored) != request) {
      return fail(Errc::kConflict, "this order's name is taken by another order");
    }
    return Opened<OrderRow>{.row = std::move(*stored), .anew = false};
  }
  if (request.not_after < now_) {
    return fail(Errc::kExpired, "the order's notAfter has passed");
  }
  OrderRow order{.id = key.id, .provider = key.provider, .device = request.device};
  order.not_after = request.not_after;
  order.created_at = now_;
  if (request.campaign) {
    order.membership = KB_TRY(gate_.join(key.provider, request));
  }
  KB_TRY(store_.insert_order(order));
  KB_TRY(admission_.spend(order.provider, true));
  KB_TRY(record({.event = AuditEvent::kOrder,
                 .order = order.key(),
                 .digest = crypto::sha256(ascii(to_json(request)))}));
  return Opened<OrderRow>{.row = std::move(order), .anew = true};
}

Result<std::optional<OverLimit>> OrderBook::over_limit(const delivery::OrderKey& new_order) {
  const std::optional<OrderRow> stored = KB_TRY(store_.find_order(new_order));
  return stored ? Result<std::optional<OverLimit>>()
                : admission_.over_limit(new_order.provider, true);
}

// The first attempt is paid with its order.
Result<std::optional<OverLimit>> OrderBook::over_limit(const OrderRow& order,
                                                       delivery::AttemptNumber new_attempt) {
  const bool further = order.current_attempt > 0 && new_attempt == order.current_attempt + 1;
  return further ? admission_.over_limit(order.provider, !delivery::is_open(order.state))
                 : Result<std::optional<OverLimit>>();
}

Result<HttpResponse> OrderBook::put_order(const Call& call) {
  const auto message = KB_TRY(delivery::order_request_from_json(call.body));
  if (const auto refused = KB_TRY(over_limit(*call.order))) {
    return answer_of(*refused);
  }
  const Opened<OrderRow> order = KB_TRY(open_order(*call.order, message));
  const OrderStatus status = KB_TRY(status_of_order(store_, order.row));
  return json(order.anew ? 201 : 200, to_json(status));
}

Result<HttpResponse> OrderBook::get_order(const Call& call) {
  const OrderRow order = KB_TRY(order_of_provider(call));
  const OrderStatus status = KB_TRY(status_of_order(store_, order));
  return json(200, to_json(status));
}

// Sets kind and state by what the attempt opens with, and compares the clear fields.
Result<void> OrderBook::check_opening(const OrderRow& order,
                                      AttemptRow& attempt,
                                      const AttemptRequest& request) {
  if (request.kind == AttemptRequest::Kind::kDeliver) {
    const auto envelope = KB_TRY(delivery::outline_of_envelope(request.message));
    if (envelope.spid != order.provider) {
      return fail(Errc::kValue, "the envelope names another service provider");
    }
    attempt.kind = Work::Kind::kDeliver;
    attempt.state = State::kSealed;
    return {};
  }
  const auto outline = KB_TRY(delivery::outline_of_request(request.message));
  if (outline.spid != order.provider) {
    return fail(Errc::kValue, "the enrolment request names another service provider");
  }
  std::vector<AttemptRow> earlier;
  if (attempt.number > 1) {
    earlier = KB_TRY(store_.attempts_of(order.key()));
  }
  for (const AttemptRow& other : earlier) {
    if (other.kind == Work::Kind::kDeliver) {
      continue;
    }
    const auto used = KB_TRY(delivery::outline_of_request(other.opening));
    if (used.nonce_a == outline.nonce_a) {
      return fail(Errc::kConflict, "every attempt has a fresh nonce");
    }
  }
  attempt.kind = outline.cancel ? Work::Kind::kCancel : Work::Kind::kEnrol;
  attempt.state = outline.cancel ? State::kSealed : State::kOrdered;
  return {};
}

Result<OrderBook::Opened<AttemptRow>> OrderBook::open_attempt(OrderRow& order,
                                                              delivery::AttemptNumber number,
                                                              const AttemptRequest& request) {
  std::optional<AttemptRow> stored;
  if (number <= order.current_attempt) {
    stored = KB_TRY(store_.find_attempt(order.key(), number));
  }
  if (stored) {
    const bool deliver = stored->kind == Work::Kind::kDeliver;
    if (stored->opening != request.message ||
        deliver != (request.kind == AttemptRequest::Kind::kDeliver)) {
      return fail(Errc::kConflict, "the attempt stands for other content");
    }
    return Opened<AttemptRow>{.row = std::move(*stored), .anew = false};
  }
  if (number != order.current_attempt + 1) {
    return fail(Errc::kConflict, "attempts are numbered 1, 2, 3, ... without gaps");
  }
  if (order.state == State::kExpired || order.not_after < now_) {
    return fail(Errc::kExpired, "the order's notAfter has passed");
  }
  if (!delivery::allows_next_attempt(order.state)) {
    return fail(Errc::kState, "the order has ended");
  }
  AttemptRow attempt{.order = order.id, .provider = order.provider, .device = order.device};
  attempt.number = number;
  attempt.opening = request.message;
  KB_TRY(check_opening(order, attempt, request));
  if (order.membership) {
    const std::vector<AttemptRow> earlier = KB_TRY(store_.attempts_of(order.key()));
    KB_TRY(gate_.check_attempt(order, attempt, earlier));
    attempt.held = order.membership->held && attempt.kind != Work::Kind::kCancel;
    // What was refused for good is over: the further attempt is as new to its campaign.
    order.membership->touched = std::ranges::any_of(earlier, [](const AttemptRow& one) {
      return one.state == State::kHandedOver || one.state == State::kReported ||
             one.state == State::kUnknown || one.state == State::kExpired;
    });
  }
  if (order.current_attempt != 0) {
    std::optional<AttemptRow> before =
        KB_TRY(store_.find_attempt(order.key(), order.current_attempt));
    if (!before) {
      return fail(Errc::kStore, "an order without its current attempt");
    }
    const std::optional<State> left = delivery::next_state(before->state, Event::kSupersede);
    if (left && *left != before->state) {
      before->state = *left;
      KB_TRY(store_.update_attempt(*before));
      KB_TRY(record({.event = AuditEvent::kSupersede,
                     .order = order.key(),
                     .attempt = before->number,
                     .state = before->state,
                     .order_state = order.state}));
    }
  }
  KB_TRY(store_.insert_attempt(attempt));
  if (attempt.number > 1) {
    KB_TRY(admission_.spend(order.provider, !delivery::is_open(order.state)));
  }
  order.current_attempt = attempt.number;
  order.state = attempt.state;
  KB_TRY(store_.update_order(order));
  KB_TRY(record({.event = AuditEvent::kAttempt,
                 .order = order.key(),
                 .attempt = attempt.number,
                 .state = attempt.state,
                 .order_state = order.state,
                 .digest = crypto::sha256(attempt.opening)}));
  return Opened<AttemptRow>{.row = std::move(attempt), .anew = true};
}

Result<HttpResponse> OrderBook::put_attempt(const Call& call) {
  OrderRow order = KB_TRY(order_of_provider(call));
  const auto request = KB_TRY(delivery::attempt_request_from_json(call.body));
  if (const auto refused = KB_TRY(over_limit(order, call.attempt))) {
    return answer_of(*refused);
  }
  const Opened<AttemptRow> attempt = KB_TRY(open_attempt(order, call.attempt, request));
  if (!attempt.anew) {
    return json(200, to_json(status_of(attempt.row)));
  }
  return changed(attempt.row, 201, {topic_of(order.device), topic_of(order.provider)});
}

Result<HttpResponse> OrderBook::get_enrolment(const Call& call) {
  const AttemptRow attempt = KB_TRY(attempt_of_provider(call));
  if (!attempt.answer) {
    return fail(Errc::kNotFound, "the element has not answered yet");
  }
  return json(200, to_json(delivery::EnrolmentMessage{*attempt.answer}));
}

Result<HttpResponse> OrderBook::put_delivery(const Call& call) {
  AttemptRow attempt = KB_TRY(attempt_of_provider(call));
  const auto message = KB_TRY(delivery::delivery_message_from_json(call.body));
  if (attempt.envelope) {
    return *attempt.envelope == message.envelope
               ? Result<HttpResponse>(json(200, to_json(status_of(attempt))))
               : fail(Errc::kConflict, "the attempt has another envelope");
  }
  const auto envelope = KB_TRY(delivery::outline_of_envelope(message.envelope));
  if (envelope.spid != attempt.provider) {
    return fail(Errc::kValue, "the envelope names another service provider");
  }
  if (attempt.answer) {
    const auto answer = KB_TRY(delivery::outline_of_answer(*attempt.answer));
    if (answer.handle != envelope.handle) {
      return fail(Errc::kValue, "the envelope names another slot than the enrolment");
    }
  }
  KB_TRY(check_not_after(attempt.order_key()));
  const std::optional<OrderRow> order = KB_TRY(store_.find_order(attempt.order_key()));
  const bool goes_on = KB_TRY(order ? gate_.hands_over(*order) : Result<bool>(true));
  if (!goes_on) {
    return fail(Errc::kState, "the order's campaign has ended or is ending");
  }
  attempt.envelope = message.envelope;
  KB_TRY(apply(attempt, Event::kDelivery, {.digest = crypto::sha256(message.envelope)}));
  return changed(attempt, 201, {topic_of(attempt.device), topic_of(attempt.provider)});
}

Result<HttpResponse> OrderBook::get_receipt(const Call& call) {
  const AttemptRow attempt = KB_TRY(attempt_of_provider(call));
  std::vector<Bytes> receipts = KB_TRY(store_.receipts_of(attempt.order_key(), attempt.number));
  if (receipts.empty()) {
    return fail(Errc::kNotFound, "there is no receipt yet");
  }
  return json(200, to_json(delivery::ReceiptMessage{std::move(receipts.back()), attempt.receipts}));
}

Result<HttpResponse> OrderBook::put_verdict(const Call& call) {
  AttemptRow attempt = KB_TRY(attempt_of_provider(call));
  const auto message = KB_TRY(delivery::verdict_message_from_json(call.body));
  if (attempt.verdict == message) {
    return json(200, to_json(status_of(attempt)));
  }
  // Whoever judges has read all receipts: none when the verdict names none.
  if (message.revision.value_or(0) != attempt.receipts) {
    return fail(Errc::kState, "the verdict is not on the last receipt; read that first");
  }
  const Event event = delivery::event_of(message.verdict);
  if (attempt.verdict && !delivery::next_state(attempt.state, event)) {
    return fail(Errc::kConflict, "the attempt has another verdict");
  }
  attempt.verdict = message;
  KB_TRY(apply(attempt, event,
               {.digest = crypto::sha256(ascii(to_json(message))),
                .revision = message.revision.value_or(0)}));
  return changed(attempt, 201, {topic_of(attempt.provider)});
}

Result<HttpResponse> OrderBook::put_withdrawal(const Call& call) {
  AttemptRow attempt = KB_TRY(attempt_of_provider(call));
  const auto message = KB_TRY(delivery::withdrawal_message_from_json(call.body));
  if (attempt.withdrawal) {
    return *attempt.withdrawal == message.reason
               ? Result<HttpResponse>(json(200, to_json(status_of(attempt))))
               : fail(Errc::kConflict, "the attempt was withdrawn for another reason");
  }
  attempt.withdrawal = message.reason;
  KB_TRY(apply(attempt, Event::kWithdraw, {.digest = crypto::sha256(ascii(to_json(message)))}));
  return changed(attempt, 201, {topic_of(attempt.provider)});
}

Result<HttpResponse> OrderBook::list(const Call& call) {
  const Spid& provider = *call.provider;
  const std::uint32_t limit = call.limit.value_or(kDefaultLimit);
  const std::vector<AttemptRow> rows = KB_TRY(store_.list(provider, call.state, call.after, limit));
  delivery::OrderListing listing;
  for (const AttemptRow& row : rows) {
    listing.attempts.push_back({row.order, row.number, row.device, row.state});
  }
  listing.next = std::to_string(rows.empty() ? call.after : rows.back().change);
  listing.more = rows.size() == limit;
  HttpResponse answer = json(200, to_json(listing));
  if (rows.empty()) {
    answer.retry_after_seconds = retry_after(call.subject->id, now_);
    answer.wait = delivery::HttpWait{topic_of(provider), call.wait_seconds};
  }
  return answer;
}

Result<HttpResponse> OrderBook::get_history(const Call& call) {
  const OrderRow order = KB_TRY(order_of_provider(call));
  const std::uint32_t limit = call.limit.value_or(kDefaultLimit);
  const std::vector<delivery::HistoryRow> rows =
      KB_TRY(store_.campaigns().history_of(order.key(), call.after, limit));
  delivery::OrderHistory history;
  for (const delivery::HistoryRow& row : rows) {
    history.events.push_back({.time = row.time,
                              .event = row.event,
                              .attempt = row.attempt,
                              .state = row.state,
                              .order_state = row.order_state});
    if (row.revision != 0) {
      history.events.back().revision = row.revision;
    }
  }
  history.next = std::to_string(rows.empty() ? call.after : rows.back().ordinal);
  history.more = rows.size() == limit;
  return json(200, to_json(history));
}

}  // namespace kagibin::roles::key_distribution_operator
