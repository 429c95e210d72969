// SPDX-License-Identifier: Apache-2.0
// What provider and agent share, and the agent's calls; the provider's stand in provider_calls.cc.
#include "kagibin/roles/key_distribution_operator/order_book.h"

#include <algorithm>
#include <utility>

#include "kagibin/crypto/sha256.h"
#include "kagibin/delivery/relayed_message.h"
#include "kagibin/roles/key_distribution_operator/answers.h"

namespace kagibin::roles::key_distribution_operator {

using delivery::AttemptRow;
using delivery::Event;
using delivery::HttpResponse;
using delivery::OrderRow;
using delivery::State;
using delivery::Work;

std::string topic_of(const delivery::DeviceId& device) {
  return delivery::device_subject(device).common_name();
}

std::string topic_of(const Spid& provider) {
  return delivery::provider_subject(provider).common_name();
}

Result<AttemptRow> OrderBook::attempt_of_device(const Call& call) {
  std::optional<AttemptRow> attempt = KB_TRY(store_.find_attempt(*call.order, call.attempt));
  // One that is held was not told to anybody.
  if (!attempt || attempt->device.text() != call.subject->id || attempt->held) {
    return fail(Errc::kNotFound, "there is no such attempt");
  }
  return std::move(*attempt);
}

Result<void> OrderBook::check_not_after(const delivery::OrderKey& order) {
  const std::optional<OrderRow> row = KB_TRY(store_.find_order(order));
  if (!row || row->not_after < now_) {
    return fail(Errc::kExpired, "the order's notAfter has passed");
  }
  return {};
}

Result<void> OrderBook::record(OrderChange change) {
  change.time = now_;
  KB_TRY(store_.campaigns().append_history(change.order, {.time = now_,
                                                          .event = std::string(name(change.event)),
                                                          .attempt = change.attempt,
                                                          .state = change.state,
                                                          .order_state = change.order_state,
                                                          .revision = change.revision}));
  const Bytes entry = encode(change);
  return store_.audit().append(entry);
}

Result<void> OrderBook::apply(AttemptRow& attempt, Event event, const Evidence& evidence) {
  const std::optional<State> after = delivery::next_state(attempt.state, event);
  if (!after) {
    return attempt.state == State::kExpired
               ? fail(Errc::kExpired, "the attempt has expired")
               : fail(Errc::kState, "the attempt is not in a state for that");
  }
  attempt.state = *after;
  KB_TRY(store_.update_attempt(attempt));
  std::optional<OrderRow> order = KB_TRY(store_.find_order(attempt.order_key()));
  if (!order) {
    return fail(Errc::kStore, "an attempt without its order");
  }
  const bool current = order->current_attempt == attempt.number;
  const bool decided = order->state == State::kConfirmed;
  const bool moves = !decided && (current || *after == State::kConfirmed) && order->state != *after;
  const bool touches =
      event == Event::kHandOver && order->membership && !order->membership->touched;
  if (moves) {
    order->state = *after;
  }
  if (touches) {
    order->membership->touched = true;
  }
  if (moves || touches) {
    KB_TRY(store_.update_order(*order));
  }
  return record({.event = audit_event(event),
                 .order = attempt.order_key(),
                 .attempt = attempt.number,
                 .state = attempt.state,
                 .order_state = order->state,
                 .revision = evidence.revision,
                 .digest = evidence.digest});
}

Result<HttpResponse> OrderBook::get_work(const Call& call) {
  const delivery::DeviceId device = KB_TRY(delivery::DeviceId::from(call.subject->id));
  std::vector<std::string> wakes;
  for (std::uint64_t after = call.after;;) {
    std::optional<AttemptRow> attempt = KB_TRY(store_.next_work(device, after));
    if (!attempt) {
      HttpResponse none = no_content();
      none.retry_after_seconds = retry_after(call.subject->id, now_);
      none.wait = delivery::HttpWait{topic_of(device), call.wait_seconds};
      none.wakes = std::move(wakes);
      return none;
    }
    after = attempt->sequence;
    if (!check_not_after(attempt->order_key())) {
      KB_TRY(apply(*attempt, Event::kExpire, {}));
      wakes.push_back(topic_of(attempt->provider));
      continue;
    }
    // What its campaign has not come to yet.
    std::optional<OrderRow> order = KB_TRY(store_.find_order(attempt->order_key()));
    const bool goes_on = KB_TRY(order ? gate_.hands_over(*order) : Result<bool>(true));
    if (!goes_on) {
      KB_TRY(cancel(*order));
      wakes.push_back(topic_of(attempt->provider));
      continue;
    }
    const bool sealed = attempt->kind == Work::Kind::kEnrol && attempt->envelope;
    const Bytes& message = sealed ? *attempt->envelope : attempt->opening;
    if (attempt->state == State::kSealed) {
      KB_TRY(apply(*attempt, Event::kHandOver, {.digest = crypto::sha256(message)}));
      wakes.push_back(topic_of(attempt->provider));
    }
    Work work{.order = attempt->order_key(), .attempt = attempt->number, .kind = attempt->kind};
    work.message = message;
    work.cursor = std::to_string(attempt->sequence);
    if (sealed) {
      work.kind = Work::Kind::kDeliver;
    }
    HttpResponse answer = json(200, to_json(work));
    answer.wakes = std::move(wakes);
    return answer;
  }
}

Result<HttpResponse> OrderBook::put_enrolment(const Call& call) {
  AttemptRow attempt = KB_TRY(attempt_of_device(call));
  const auto message = KB_TRY(delivery::enrolment_message_from_json(call.body));
  if (attempt.answer) {
    return *attempt.answer == message.answer
               ? Result<HttpResponse>(json(200, to_json(status_of(attempt))))
               : fail(Errc::kConflict, "the attempt has another enrolment answer");
  }
  if (attempt.kind != Work::Kind::kEnrol) {
    return fail(Errc::kState, "the attempt asked for no enrolment");
  }
  const auto request = KB_TRY(delivery::outline_of_request(attempt.opening));
  const auto answer = KB_TRY(delivery::outline_of_answer(message.answer));
  if (answer.nonce_a != request.nonce_a) {
    return fail(Errc::kValue, "the answer belongs to another enrolment request");
  }
  KB_TRY(check_not_after(attempt.order_key()));
  attempt.answer = message.answer;
  KB_TRY(apply(attempt, Event::kEnrolment, {.digest = crypto::sha256(message.answer)}));
  return changed(attempt, 201, {topic_of(attempt.provider)});
}

namespace {

// E3 names the slot that E4, or an E2 put without an E4, named. A cancellation names it to the
// element alone.
Result<void> check_handle(const AttemptRow& attempt, ByteView receipt) {
  const auto outline = KB_TRY(delivery::outline_of_receipt(receipt));
  if (attempt.answer) {
    const auto answer = KB_TRY(delivery::outline_of_answer(*attempt.answer));
    if (answer.handle != outline.handle) {
      return fail(Errc::kValue, "the receipt names another slot than the enrolment");
    }
  } else if (attempt.kind == Work::Kind::kDeliver) {
    const auto envelope = KB_TRY(delivery::outline_of_envelope(attempt.opening));
    if (envelope.handle != outline.handle) {
      return fail(Errc::kValue, "the receipt names another slot than the envelope");
    }
  }
  return {};
}

}  // namespace

Result<HttpResponse> OrderBook::put_receipt(const Call& call) {
  AttemptRow attempt = KB_TRY(attempt_of_device(call));
  const auto message = KB_TRY(delivery::receipt_message_from_json(call.body));
  if (message.revision) {
    return fail(Errc::kValue, "the distributor numbers receipts");
  }
  const std::vector<Bytes> stored = KB_TRY(store_.receipts_of(attempt.order_key(), attempt.number));
  if (std::ranges::find(stored, message.receipt) != stored.end()) {
    return json(200, to_json(status_of(attempt)));
  }
  KB_TRY(check_handle(attempt, message.receipt));
  if (!delivery::next_state(attempt.state, Event::kReceipt)) {
    return stored.empty() ? fail(Errc::kState, "the attempt waits for no receipt")
                          : fail(Errc::kConflict, "the attempt was judged by another receipt");
  }
  if (attempt.receipts >= kMaxReceipts) {
    return fail(Errc::kLimit, "the attempt has as many receipts as the distributor keeps");
  }
  ++attempt.receipts;
  KB_TRY(store_.insert_receipt(attempt.order_key(), attempt.number, attempt.receipts,
                               message.receipt));
  KB_TRY(apply(attempt, Event::kReceipt,
               {.digest = crypto::sha256(message.receipt), .revision = attempt.receipts}));
  return changed(attempt, 201, {topic_of(attempt.provider)});
}

Result<std::vector<std::string>> OrderBook::expire(std::uint32_t limit) {
  std::vector<std::string> topics;
  std::vector<AttemptRow> attempts = KB_TRY(store_.overdue_attempts(now_, limit));
  for (AttemptRow& attempt : attempts) {
    KB_TRY(apply(attempt, Event::kExpire, {}));
    topics.push_back(topic_of(attempt.provider));
  }
  std::vector<OrderRow> orders = KB_TRY(store_.overdue_orders(now_, limit));
  for (OrderRow& order : orders) {
    order.state = State::kExpired;
    KB_TRY(store_.update_order(order));
    KB_TRY(record({.event = AuditEvent::kExpire,
                   .order = order.key(),
                   .state = order.state,
                   .order_state = order.state}));
  }
  return topics;
}

Result<void> OrderBook::release(OrderRow& order) {
  std::optional<AttemptRow> attempt =
      KB_TRY(store_.find_attempt(order.key(), order.current_attempt));
  if (!attempt || !order.membership) {
    return fail(Errc::kStore, "an order to release without its attempt or campaign");
  }
  order.membership->held = false;
  KB_TRY(store_.update_order(order));
  attempt->held = false;
  KB_TRY(store_.update_attempt(*attempt));
  return record({.event = AuditEvent::kRelease,
                 .order = order.key(),
                 .attempt = attempt->number,
                 .state = attempt->state,
                 .order_state = order.state});
}

Result<void> OrderBook::cancel(OrderRow& order) {
  const std::optional<State> after = delivery::next_state(order.state, Event::kWithdraw);
  if (!after) {
    return fail(Errc::kState, "the order is not in a state for that");
  }
  if (order.current_attempt != 0) {
    std::optional<AttemptRow> attempt =
        KB_TRY(store_.find_attempt(order.key(), order.current_attempt));
    if (!attempt) {
      return fail(Errc::kStore, "an order without its current attempt");
    }
    attempt->state = *after;
    KB_TRY(store_.update_attempt(*attempt));
  }
  order.state = *after;
  KB_TRY(store_.update_order(order));
  return record({.event = AuditEvent::kCancel,
                 .order = order.key(),
                 .attempt = order.current_attempt,
                 .state = order.state,
                 .order_state = order.state});
}

}  // namespace kagibin::roles::key_distribution_operator
