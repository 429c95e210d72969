// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/client/outbox.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "kagibin/base/crash_point.h"
#include "kagibin/roles/service_provider/client/operator_refusal.h"
#include "kagibin/roles/service_provider/order_annotation.h"
#include "kagibin/roles/service_provider/order_records.h"

namespace kagibin::roles::service_provider {

using delivery::AttemptNumber;
using delivery::JournalBatch;
using delivery::JournalEntry;
using delivery::JournalOrder;
using delivery::JournalStep;
using delivery::OrderId;

namespace {

constexpr std::uint32_t kMaxForgotten = 1'000'000;

bool opens_attempt(const JournalEntry& entry) {
  return entry.step == JournalStep::kOrder || entry.step == JournalStep::kRequest;
}

bool is_first_request(const JournalEntry& entry) {
  return entry.step == JournalStep::kRequest && entry.attempt == 1;
}

Checked<delivery::VerdictMessage> verdict_of(const JournalEntry& entry) {
  const std::string text(entry.message.begin(), entry.message.end());
  return KB_TRY(delivery::verdict_message_from_json(text));
}

}  // namespace

Checked<delivery::OrderRequest> Outbox::request_of(const JournalOrder& order) {
  OrderAnnotation notes = KB_TRY(OrderAnnotation::parse(order.annotation));
  return delivery::OrderRequest{.device = order.device,
                                .not_after = order.not_after,
                                .campaign = std::move(notes.campaign),
                                .attributes = std::move(notes.attributes)};
}

Checked<void> Outbox::send_order(const OrderId& id) {
  const JournalOrder order = KB_TRY(flow_.find(id));
  const delivery::OrderRequest request = KB_TRY(request_of(order));
  KB_CRASH_POINT("provider.order.before_send");
  const auto sent = api_.put_order(id, request);
  KB_CRASH_POINT("provider.order.after_send");
  if (!sent) {
    return std::unexpected(not_taken(sent.error()));
  }
  KB_TRY(journal_.acknowledge(id, 0, JournalStep::kOrder));
  KB_CRASH_POINT("provider.order.after_acknowledge");
  return {};
}

Checked<void> Outbox::send_request(const OrderId& id, const Outgoing& request) {
  KB_CRASH_POINT("provider.request.before_send");
  const auto sent = api_.put_attempt(
      id, request.attempt,
      {.kind = is_envelope(request.message) ? delivery::AttemptRequest::Kind::kDeliver
                                            : delivery::AttemptRequest::Kind::kRequest,
       .message = request.message});
  KB_CRASH_POINT("provider.request.after_send");
  if (!sent) {
    return std::unexpected(not_taken(sent.error()));
  }
  KB_TRY(withdraw_if_cancelled(id, request.attempt));
  KB_TRY(journal_.acknowledge(id, request.attempt, JournalStep::kRequest));
  KB_CRASH_POINT("provider.request.after_acknowledge");
  return {};
}

Checked<void> Outbox::send_further(const OrderId& order,
                                   const Outgoing& request,
                                   RunReport& report) {
  const bool waits = seconds_until_orders() > 0;
  const auto sent = waits ? Checked<void>() : send_request(order, request);
  const bool over_limit = !sent && is_over_limit(sent.error().code);
  if (over_limit) {
    note_limit();
  }
  report.over_limit += waits || over_limit ? 1U : 0U;
  return over_limit ? Checked<void>() : unless_outage(sent);
}

Checked<void> Outbox::send_delivery(const OrderId& id, AttemptNumber attempt, ByteView envelope) {
  KB_CRASH_POINT("provider.delivery.before_send");
  const auto sent =
      api_.put_delivery(id, attempt, {.envelope = Bytes(envelope.begin(), envelope.end())});
  KB_CRASH_POINT("provider.delivery.after_send");
  if (!sent) {
    return std::unexpected(not_taken(sent.error()));
  }
  KB_TRY(journal_.acknowledge(id, attempt, JournalStep::kDelivery));
  KB_CRASH_POINT("provider.delivery.after_acknowledge");
  return {};
}

Checked<void> Outbox::send_verdict(const OrderId& id,
                                   AttemptNumber attempt,
                                   const delivery::VerdictMessage& verdict) {
  delivery::VerdictMessage message = verdict;
  message.reason.resize(std::min(message.reason.size(), delivery::kMaxReasonBytes));
  KB_CRASH_POINT("provider.verdict.before_send");
  const auto sent = api_.put_verdict(id, attempt, message);
  KB_CRASH_POINT("provider.verdict.after_send");
  if (!sent) {
    return std::unexpected(not_taken(sent.error()));
  }
  KB_TRY(journal_.acknowledge(id, attempt, JournalStep::kVerdict));
  KB_CRASH_POINT("provider.verdict.after_acknowledge");
  return {};
}

Checked<AttemptNumber> Outbox::last_requested(const JournalOrder& order) {
  const AttemptNumber current = order.current_attempt;
  if (current == 0) {
    return current;
  }
  const auto request = KB_TRY(journal_.find_entry(order.id, current, JournalStep::kRequest));
  return request ? current : static_cast<AttemptNumber>(current - 1);
}

Checked<Outgoing> Outbox::record_order(const OrderId& id) {
  // In the journal first the order, then its attempt: they are sent again in this order.
  const JournalOrder order = KB_TRY(flow_.find(id));
  const std::string body = delivery::to_json(KB_TRY(request_of(order)));
  KB_CRASH_POINT("provider.order.before_record");
  KB_TRY(journal_.record(id, 0, JournalStep::kOrder, ascii(body)));
  KB_CRASH_POINT("provider.order.after_record");
  return flow_.attempt_after(id, 0);
}

Checked<void> Outbox::submit(const OrderId& id) {
  const auto request = record_order(id);
  if (!request) {
    looked_for_forgotten_ = false;  // it may be one now
    return std::unexpected(request.error());
  }
  KB_TRY(send_order(id));
  return send_request(id, *request);
}

Checked<void> Outbox::send(const JournalEntry& entry) {
  switch (entry.step) {
    case JournalStep::kOrder:
      return send_order(entry.order);
    case JournalStep::kRequest:
      return send_request(entry.order, {.attempt = entry.attempt, .message = entry.message});
    case JournalStep::kVerdict: {
      const auto verdict = KB_TRY(verdict_of(entry));
      KB_TRY(flow_.note_state(entry.order, entry.attempt, verdict.verdict));
      return send_verdict(entry.order, entry.attempt, verdict);
    }
    case JournalStep::kDelivery:
      return send_delivery(entry.order, entry.attempt, entry.message);
    case JournalStep::kAnswer:
    case JournalStep::kReceipt:
      break;  // received, not sent
  }
  return {};
}

Checked<void> Outbox::submit_or_record(const OrderId& id) {
  if (seconds_until_orders() == 0) {
    return submit(id);
  }
  const auto recorded = record_order(id);
  return recorded ? Checked<void>() : std::unexpected(recorded.error());
}

Checked<void> Outbox::submit_forgotten(RunReport& report) {
  if (looked_for_forgotten_) {
    return {};
  }
  const std::vector<JournalOrder> waiting =
      KB_TRY(journal_.orders(delivery::State::kOrdered, kMaxForgotten));
  for (const JournalOrder& order : waiting) {
    const bool may_be_forgotten = order.current_attempt <= 1;
    if (may_be_forgotten && KB_TRY(last_requested(order)) == 0) {
      const auto submitted = submit_or_record(order.id);
      const bool over_limit = !submitted && is_over_limit(submitted.error().code);
      if (over_limit) {
        note_limit();
        ++report.over_limit;
      }
      if (!submitted && !over_limit && is_outage(submitted.error().code)) {
        return submitted;
      }
    }
  }
  looked_for_forgotten_ = true;
  return {};
}

// The operator has a later receipt than the verdict is on, and lists it behind our cursor.
Checked<bool> Outbox::is_overtaken(const JournalEntry& entry) {
  if (entry.step != JournalStep::kVerdict) {
    return false;
  }
  const auto verdict = KB_TRY(verdict_of(entry));
  const auto last = api_.receipt(entry.order, entry.attempt);
  if (!last) {
    return is_outage(last.error().code) ? Checked<bool>(std::unexpected(not_taken(last.error())))
                                        : Checked<bool>(false);
  }
  return *last->revision > verdict.revision.value_or(0);
}

Checked<bool> Outbox::send_or_note(const JournalEntry& entry, RunReport& report) {
  const auto sent = send(entry);
  if (sent) {
    return true;
  }
  if (!is_turned_down(sent.error().code)) {
    return std::unexpected(sent.error());
  }
  const bool overtaken = sent.error().code == Errc::kState && KB_TRY(is_overtaken(entry));
  JournalBatch commit = KB_TRY(JournalBatch::begin(journal_));
  if (entry.step == JournalStep::kOrder || is_first_request(entry)) {
    KB_TRY(keep_turned_down(entry.order, sent.error().code));
  }
  KB_TRY(journal_.acknowledge(entry.order, entry.attempt, entry.step));
  KB_TRY(commit.commit());
  if (overtaken) {
    return false;
  }
  const JournalOrder order = KB_TRY(flow_.find(entry.order));
  report.events.push_back(
      {.order = entry.order,
       .attempt = entry.attempt,
       .state = order.state,
       .text = fmt::format("The operator turned our {} down ({}); it is not sent again.",
                           delivery::name(entry.step), kagibin::name(sent.error().code)),
       .trouble = true});
  return false;
}

Checked<void> Outbox::resend(RunReport& report) {
  std::vector<JournalEntry> entries = KB_TRY(journal_.unacknowledged());
  if (KB_TRY(settle_ended(entries))) {
    entries = KB_TRY(journal_.unacknowledged());
  }
  // Orders that go out with their first attempts, many in one request.
  std::set<OrderId> opened;
  std::vector<OrderId> whole;
  for (const JournalEntry& entry : entries) {
    if (entry.step == JournalStep::kOrder) {
      opened.insert(entry.order);
    } else if (is_first_request(entry) && opened.contains(entry.order)) {
      whole.push_back(entry.order);
    }
  }
  const std::set<OrderId> in_batches(whole.begin(), whole.end());
  std::set<OrderId> held;  // over the limit: what follows has to wait for them
  const auto again = [&](const JournalEntry& entry) -> Checked<void> {
    if (!held.contains(entry.order) && !KB_TRY(resend_one(entry, report))) {
      held.insert(entry.order);
    }
    return {};
  };
  // Further attempts go first: there are always more orders.
  for (const JournalEntry& entry : entries) {
    if (!in_batches.contains(entry.order)) {
      KB_TRY(again(entry));
    }
  }
  SentOrders sent{.over_limit = whole.size()};
  if (seconds_until_orders() == 0) {
    sent = KB_TRY(send_orders(whole, report));
  }
  // The operator does not know an order yet that is over the limit.
  for (const JournalEntry& entry : entries) {
    const bool went = entry.step == JournalStep::kOrder || is_first_request(entry);
    if (sent.over_limit == 0 && in_batches.contains(entry.order) && !went) {
      KB_TRY(again(entry));
    }
  }
  report.over_limit = sent.over_limit + held.size();
  return {};
}

Checked<bool> Outbox::settle_ended(std::span<const JournalEntry> entries) {
  std::set<OrderId> looked_at;
  std::set<OrderId> ended;
  for (const JournalEntry& entry : entries) {
    const bool opens_order = entry.step == JournalStep::kOrder || is_first_request(entry);
    if (opens_order && looked_at.insert(entry.order).second) {
      const JournalOrder order = KB_TRY(flow_.find(entry.order));
      // An order that is not acknowledged stands before its first request.
      const bool is_known = entry.step != JournalStep::kOrder;
      if (KB_TRY(ended_unsent(order, is_known))) {
        ended.insert(entry.order);
      }
    }
    if (opens_order && ended.contains(entry.order)) {
      KB_TRY(journal_.acknowledge(entry.order, entry.attempt, entry.step));
    }
  }
  return !ended.empty();
}

Checked<bool> Outbox::resend_one(const JournalEntry& entry, RunReport& report) {
  if (entry.step == JournalStep::kAnswer || entry.step == JournalStep::kReceipt) {
    return true;
  }
  const bool opens_order = entry.step == JournalStep::kOrder || is_first_request(entry);
  if (opens_order && KB_TRY(turned_down_before(entry.order))) {
    KB_TRY(journal_.acknowledge(entry.order, entry.attempt, entry.step));
    return true;
  }
  if (opens_attempt(entry) && seconds_until_orders() > 0) {
    return false;
  }
  const auto sent = send_or_note(entry, report);
  if (!sent && opens_attempt(entry) && is_over_limit(sent.error().code)) {
    note_limit();
    return false;
  }
  return sent ? Checked<bool>(true) : std::unexpected(sent.error());
}

}  // namespace kagibin::roles::service_provider
