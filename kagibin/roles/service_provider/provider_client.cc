// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/provider_client.h"

#include <utility>

#include <fmt/format.h>

#include "kagibin/base/crash_point.h"

namespace kagibin::roles::service_provider {

using delivery::AttemptNumber;
using delivery::JournalEntry;
using delivery::JournalOrder;
using delivery::JournalStep;
using delivery::ListedAttempt;
using delivery::OrderId;
using delivery::State;
using delivery::Verdict;

namespace {

constexpr std::string_view kCursorKind = "cursor";
constexpr std::string_view kCursorKey = "orders";
// Changes that could not be worked on yet for a reason on our side: looked at again at every run.
constexpr std::string_view kPendingKind = "pending";
constexpr std::size_t kMaxReason = 256;
constexpr std::uint32_t kMaxForgotten = 1'000'000;

std::string_view text_of(ByteView octets, std::string& into) {
  into.assign(octets.begin(), octets.end());
  return into;
}

// Nobody can be reached, or the operator asks for patience: the run ends here.
bool is_outage(Errc code) {
  return code == Errc::kNetwork || code == Errc::kTls || code == Errc::kHttp ||
         code == Errc::kInterrupted || code == Errc::kStore || code == Errc::kNoSpace ||
         code == Errc::kIo;
}

// The operator will never take this message: sending it again is no use.
bool is_turned_down(Errc code) {
  return code == Errc::kState || code == Errc::kConflict || code == Errc::kExpired ||
         code == Errc::kNotFound || code == Errc::kUntrusted || code == Errc::kValue ||
         code == Errc::kEncoding || code == Errc::kLimit;
}

// What the element sent is at fault, not our own side.
bool is_declined(Errc code) {
  switch (code) {
    case Errc::kAuthentication:
    case Errc::kUntrusted:
    case Errc::kExpired:
    case Errc::kNotYetValid:
    case Errc::kRevoked:
    case Errc::kPolicy:
    case Errc::kConflict:
    case Errc::kEncoding:
    case Errc::kValue:
    case Errc::kLength:
    case Errc::kTruncated:
    case Errc::kTrailing:
    case Errc::kUnexpectedTag:
      return true;
    default:
      return false;
  }
}

Problem not_reached(const Error& error) {
  return {
      error.code,
      fmt::format("The key distribution operator did not take a message: {}. What is open stands "
                  "in the journal and is sent again at the next run.",
                  error.detail.text())};
}

// A message that the operator turned down stays unacknowledged: resend() notes it and lets it rest.
Checked<void> unless_outage(const Checked<void>& sent) {
  return !sent && is_outage(sent.error().code) ? sent : Checked<void>();
}

State state_of(Verdict verdict) {
  return *delivery::next_state(State::kReported, delivery::event_of(verdict));
}

Bytes pending_key(const ListedAttempt& change) {
  const std::string text = fmt::format("{}/{}", change.order.text(), change.attempt);
  const ByteView octets = ascii(text);
  return {octets.begin(), octets.end()};
}

}  // namespace

namespace {

delivery::OrderRequest request_of(const JournalOrder& order) {
  return {.device = order.device, .not_after = order.not_after};
}

}  // namespace

Checked<void> ProviderClient::send_order(const OrderId& id) {
  const JournalOrder order = KB_TRY(flow_.find(id));
  const delivery::OrderRequest request = request_of(order);
  KB_CRASH_POINT("provider.order.before_send");
  const auto sent = api_.put_order(id, request);
  KB_CRASH_POINT("provider.order.after_send");
  if (!sent) {
    return std::unexpected(not_reached(sent.error()));
  }
  KB_TRY(journal_.acknowledge(id, 0, JournalStep::kOrder));
  KB_CRASH_POINT("provider.order.after_acknowledge");
  return {};
}

Checked<void> ProviderClient::send_request(const OrderId& id, const Outgoing& request) {
  KB_CRASH_POINT("provider.request.before_send");
  const auto sent = api_.put_attempt(
      id, request.attempt,
      {.kind = delivery::AttemptRequest::Kind::kRequest, .message = request.message});
  KB_CRASH_POINT("provider.request.after_send");
  if (!sent) {
    return std::unexpected(not_reached(sent.error()));
  }
  KB_TRY(journal_.acknowledge(id, request.attempt, JournalStep::kRequest));
  KB_CRASH_POINT("provider.request.after_acknowledge");
  return {};
}

Checked<void> ProviderClient::send_verdict(const OrderId& id,
                                           AttemptNumber attempt,
                                           const delivery::VerdictMessage& verdict) {
  delivery::VerdictMessage message = verdict;
  message.reason.resize(std::min(message.reason.size(), kMaxReason));
  KB_CRASH_POINT("provider.verdict.before_send");
  const auto sent = api_.put_verdict(id, attempt, message);
  KB_CRASH_POINT("provider.verdict.after_send");
  if (!sent) {
    return std::unexpected(not_reached(sent.error()));
  }
  KB_TRY(journal_.acknowledge(id, attempt, JournalStep::kVerdict));
  KB_CRASH_POINT("provider.verdict.after_acknowledge");
  return {};
}

Checked<void> ProviderClient::submit(const OrderId& id) {
  // In the journal first the order, then its attempt: they are sent again in this order.
  const JournalOrder order = KB_TRY(flow_.find(id));
  const std::string body = delivery::to_json(request_of(order));
  KB_CRASH_POINT("provider.order.before_record");
  KB_TRY(journal_.record(id, 0, JournalStep::kOrder, ascii(body)));
  KB_CRASH_POINT("provider.order.after_record");
  const Outgoing request = KB_TRY(flow_.attempt_after(id, 0));
  KB_TRY(send_order(id));
  return send_request(id, request);
}

Checked<void> ProviderClient::retry(const OrderId& id) {
  const JournalOrder order = KB_TRY(flow_.find(id));
  const Outgoing request = KB_TRY(flow_.attempt_after(id, order.current_attempt));
  return send_request(id, request);
}

Checked<void> ProviderClient::cancel(const OrderId& id) {
  const JournalOrder order = KB_TRY(flow_.find(id));
  if (flow_.abandon(id)) {
    const auto withdrawn = api_.withdraw(id, order.current_attempt, {.reason = "cancelled"});
    if (!withdrawn && is_outage(withdrawn.error().code)) {
      return std::unexpected(not_reached(withdrawn.error()));
    }
    return {};
  }
  const Outgoing request = KB_TRY(flow_.cancel_after(id, order.current_attempt));
  return send_request(id, request);
}

Checked<void> ProviderClient::send(const JournalEntry& entry) {
  std::string text;
  switch (entry.step) {
    case JournalStep::kOrder:
      return send_order(entry.order);
    case JournalStep::kRequest:
      return send_request(entry.order, {.attempt = entry.attempt, .message = entry.message});
    case JournalStep::kVerdict: {
      const auto verdict =
          KB_TRY(delivery::verdict_message_from_json(text_of(entry.message, text)));
      KB_TRY(flow_.note_state(entry.order, entry.attempt, verdict.verdict));
      return send_verdict(entry.order, entry.attempt, verdict);
    }
    case JournalStep::kDelivery: {
      KB_CRASH_POINT("provider.delivery.before_send");
      const auto sent = api_.put_delivery(entry.order, entry.attempt, {.envelope = entry.message});
      KB_CRASH_POINT("provider.delivery.after_send");
      if (!sent) {
        return std::unexpected(not_reached(sent.error()));
      }
      KB_TRY(journal_.acknowledge(entry.order, entry.attempt, JournalStep::kDelivery));
      KB_CRASH_POINT("provider.delivery.after_acknowledge");
      return {};
    }
    case JournalStep::kAnswer:
    case JournalStep::kReceipt:
      break;  // received, not sent
  }
  return {};
}

// Orders that were opened and never got their first attempt, because the process ended in between.
Checked<void> ProviderClient::submit_forgotten() {
  const std::vector<JournalOrder> waiting = KB_TRY(journal_.orders(State::kOrdered, kMaxForgotten));
  for (const JournalOrder& order : waiting) {
    if (order.current_attempt == 0) {
      const auto submitted = submit(order.id);
      if (!submitted && is_outage(submitted.error().code)) {
        return submitted;
      }
    }
  }
  looked_for_forgotten_ = true;
  return {};
}

Checked<void> ProviderClient::resend(RunReport& report) {
  const std::vector<JournalEntry> entries = KB_TRY(journal_.unacknowledged());
  for (const JournalEntry& entry : entries) {
    const auto sent = send(entry);
    if (sent || entry.step == JournalStep::kAnswer || entry.step == JournalStep::kReceipt) {
      continue;
    }
    if (!is_turned_down(sent.error().code)) {
      return sent;
    }
    KB_TRY(journal_.acknowledge(entry.order, entry.attempt, entry.step));
    const JournalOrder order = KB_TRY(flow_.find(entry.order));
    report.events.push_back(
        {.order = entry.order,
         .attempt = entry.attempt,
         .state = order.state,
         .text = fmt::format("The operator turned our {} down ({}); it is not sent again.",
                             delivery::name(entry.step), kagibin::name(sent.error().code)),
         .trouble = true});
  }
  return {};
}

Checked<void> ProviderClient::ask_again(const ListedAttempt& change, RunReport& report) {
  const JournalOrder order = KB_TRY(flow_.find(change.order));
  if (order.current_attempt > change.attempt ||
      order.current_attempt >= options_.automatic_attempts) {
    return {};
  }
  const auto request = flow_.attempt_after(change.order, change.attempt);
  if (!request) {
    report.events.push_back({.order = change.order,
                             .attempt = change.attempt,
                             .state = order.state,
                             .text = request.error().text,
                             .trouble = true});
    return is_outage(request.error().code) ? Checked<void>(std::unexpected(request.error()))
                                           : Checked<void>();
  }
  report.events.push_back({.order = change.order,
                           .attempt = request->attempt,
                           .state = order.state,
                           .text = "The element is asked again, under the same SEQ."});
  return unless_outage(send_request(change.order, *request));
}

// What the operator does not give although it listed it: nothing to wait for.
Checked<void> ProviderClient::turned_down(const ListedAttempt& change,
                                          const Error& error,
                                          RunReport& report) {
  if (is_outage(error.code)) {
    return std::unexpected(not_reached(error));
  }
  report.events.push_back(
      {.order = change.order,
       .attempt = change.attempt,
       .state = change.state,
       .text = fmt::format("The operator listed something that it does not give: {}.",
                           error.detail.text()),
       .trouble = true});
  return {};
}

Checked<void> ProviderClient::withdraw(const ListedAttempt& change, std::string_view reason) {
  const auto withdrawn =
      api_.withdraw(change.order, change.attempt, {.reason = std::string(reason)});
  if (!withdrawn && is_outage(withdrawn.error().code)) {
    return std::unexpected(not_reached(withdrawn.error()));
  }
  return {};
}

Checked<void> ProviderClient::seal(const ListedAttempt& change, RunReport& report) {
  const JournalOrder order = KB_TRY(flow_.find(change.order));
  if (delivery::is_final(order.state)) {
    return withdraw(change, "the order has ended");
  }
  const auto answer = api_.enrolment(change.order, change.attempt);
  if (!answer) {
    return turned_down(change, answer.error(), report);
  }
  const auto sealing = flow_.seal(change.order, change.attempt, answer->answer);
  if (!sealing) {
    if (!is_declined(sealing.error().code)) {
      return std::unexpected(sealing.error());
    }
    report.events.push_back({.order = change.order,
                             .attempt = change.attempt,
                             .state = State::kRefused,
                             .text = sealing.error().text,
                             .trouble = true});
    const Judgement judgement =
        KB_TRY(flow_.decline(change.order, change.attempt, sealing.error().code));
    return unless_outage(send_verdict(change.order, judgement.attempt, judgement.verdict));
  }
  if (sealing->outcome == Sealing::Outcome::kSealed) {
    report.events.push_back({.order = change.order,
                             .attempt = change.attempt,
                             .state = State::kSealed,
                             .text = "The element is who it should be; the envelope is sealed."});
    return unless_outage(send({.order = change.order,
                               .attempt = change.attempt,
                               .step = JournalStep::kDelivery,
                               .message = sealing->envelope}));
  }
  const Judgement judgement = KB_TRY(flow_.judge_statement(change.order, *sealing));
  report.events.push_back({.order = change.order,
                           .attempt = judgement.attempt,
                           .state = state_of(judgement.verdict.verdict),
                           .text = judgement.verdict.reason,
                           .trouble = judgement.verdict.verdict != Verdict::kConfirmed});
  KB_TRY(withdraw(change, "the element was read back"));
  return unless_outage(send_verdict(change.order, judgement.attempt, judgement.verdict));
}

Checked<void> ProviderClient::judge(const ListedAttempt& change, RunReport& report) {
  const auto receipt = api_.receipt(change.order, change.attempt);
  if (!receipt) {
    return turned_down(change, receipt.error(), report);
  }
  const Judgement judgement =
      KB_TRY(flow_.judge(change.order, change.attempt, receipt->receipt, receipt->revision));
  report.events.push_back({.order = change.order,
                           .attempt = change.attempt,
                           .state = state_of(judgement.verdict.verdict),
                           .text = judgement.verdict.reason,
                           .trouble = judgement.verdict.verdict != Verdict::kConfirmed &&
                                      judgement.verdict.verdict != Verdict::kCancelled});
  KB_TRY(unless_outage(send_verdict(change.order, change.attempt, judgement.verdict)));
  return judgement.ask_again ? ask_again(change, report) : Checked<void>();
}

Checked<void> ProviderClient::expire(const ListedAttempt& change, RunReport& report) {
  const auto judgement = KB_TRY(flow_.expire(change.order));
  report.events.push_back(
      {.order = change.order,
       .attempt = change.attempt,
       .state = judgement ? State::kUnknown : State::kExpired,
       .text = judgement ? judgement->verdict.reason
                         : "Time ran out before anything was sealed; nothing was installed.",
       .trouble = true});
  return judgement
             ? unless_outage(send_verdict(change.order, judgement->attempt, judgement->verdict))
             : Checked<void>();
}

Checked<void> ProviderClient::follow(const ListedAttempt& change, RunReport& report) {
  const auto order = journal_.find_order(change.order);
  if (!order) {
    return std::unexpected(order.error());
  }
  if (!*order) {
    report.events.push_back({.order = change.order,
                             .attempt = change.attempt,
                             .state = change.state,
                             .text = "The operator lists an order that our journal does not have.",
                             .trouble = true});
    return {};
  }
  switch (change.state) {
    case State::kEnrolled:
      return seal(change, report);
    case State::kReported:
      return judge(change, report);
    case State::kExpired:
      return expire(change, report);
    default:
      return {};
  }
}

Checked<RunReport> ProviderClient::run_once() {
  RunReport report;
  const auto outcome = [&]() -> Checked<void> {
    KB_TRY(resend(report));
    if (!looked_for_forgotten_) {
      KB_TRY(submit_forgotten());
    }
    const auto stored = KB_TRY(journal_.find_record(kCursorKind, ascii(kCursorKey)));
    const std::string cursor = stored ? std::string(stored->begin(), stored->end()) : "";
    const auto listing = api_.list(std::nullopt, cursor);
    if (!listing) {
      return std::unexpected(not_reached(listing.error()));
    }
    std::vector<ListedAttempt> changes = KB_TRY(pending());
    changes.insert(changes.end(), listing->attempts.begin(), listing->attempts.end());
    for (const ListedAttempt& change : changes) {
      KB_TRY(work_on(change, report));
    }
    KB_CRASH_POINT("provider.cursor.before_record");
    if (listing->next != cursor) {
      KB_TRY(journal_.put_record(kCursorKind, ascii(kCursorKey), ascii(listing->next)));
    }
    report.more = listing->more;
    return {};
  }();
  report.retry_after_seconds = api_.connection().retry_after_seconds();
  if (!outcome) {
    return std::unexpected(outcome.error());
  }
  return report;
}

Checked<void> ProviderClient::work_on(const ListedAttempt& change, RunReport& report) {
  const auto done = follow(change, report);
  if (!done && is_outage(done.error().code)) {
    return done;
  }
  if (!done) {
    report.events.push_back({.order = change.order,
                             .attempt = change.attempt,
                             .state = change.state,
                             .text = done.error().text,
                             .trouble = true});
  }
  const bool again = !done;  // something on our side, such as a key that is not there yet
  const Bytes key = pending_key(change);
  const auto noted = KB_TRY(journal_.find_record(kPendingKind, key));
  if (again || (noted && !noted->empty())) {
    KB_TRY(journal_.put_record(kPendingKind, key,
                               again ? ascii(delivery::name(change.state)) : ByteView()));
  }
  return {};
}

Checked<std::vector<ListedAttempt>> ProviderClient::pending() {
  std::vector<ListedAttempt> out;
  const auto records = KB_TRY(journal_.records(kPendingKind));
  for (const auto& [key, value] : records) {
    const std::string name(key.begin(), key.end());
    const std::size_t slash = name.rfind('/');
    if (value.empty() || slash == std::string::npos) {
      continue;
    }
    const OrderId id = KB_TRY(OrderId::from(std::string_view(name).substr(0, slash)));
    const JournalOrder order = KB_TRY(flow_.find(id));
    std::string state;
    out.push_back(
        {.order = id,
         .attempt = static_cast<AttemptNumber>(std::strtoul(name.c_str() + slash + 1, nullptr, 10)),
         .device = order.device,
         .state = KB_TRY(delivery::state_by_name(text_of(value, state)))});
  }
  return out;
}

}  // namespace kagibin::roles::service_provider
