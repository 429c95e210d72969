// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/client/provider_client.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "kagibin/base/crash_point.h"
#include "kagibin/roles/service_provider/client/operator_refusal.h"

namespace kagibin::roles::service_provider {

using delivery::AttemptNumber;
using delivery::JournalOrder;
using delivery::ListedAttempt;
using delivery::OrderId;
using delivery::State;
using delivery::Verdict;

namespace {

constexpr std::string_view kCursorKind = "cursor";
constexpr std::string_view kCursorKey = "orders";
// Changes that could not be worked on yet for a reason on our side: looked at again at every run.
constexpr std::string_view kPendingKind = "pending";

std::string_view text_of(ByteView octets, std::string& into) {
  into.assign(octets.begin(), octets.end());
  return into;
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

State state_of(Verdict verdict) {
  return *delivery::next_state(State::kReported, delivery::event_of(verdict));
}

Bytes pending_key(const ListedAttempt& change) {
  const std::string text = fmt::format("{}/{}", change.order.text(), change.attempt);
  const ByteView octets = ascii(text);
  return {octets.begin(), octets.end()};
}

}  // namespace

Checked<void> ProviderClient::submit(const OrderId& id) { return outbox_.submit(id); }

Checked<void> ProviderClient::retry(const OrderId& id) {
  const JournalOrder order = KB_TRY(flow_.find(id));
  const AttemptNumber last = KB_TRY(outbox_.last_requested(order));
  const Outgoing request = KB_TRY(flow_.attempt_after(id, last));
  return outbox_.send_request(id, request);
}

Checked<void> ProviderClient::cancel(const OrderId& id) {
  const JournalOrder order = KB_TRY(flow_.find(id));
  // Cancelled already: said again, for the operator may not have heard of it.
  if (order.state == State::kCancelled || flow_.abandon(id)) {
    KB_TRY(outbox_.withdraw(id, std::max(order.current_attempt, AttemptNumber{1})));
    return {};
  }
  const AttemptNumber last = KB_TRY(outbox_.last_requested(order));
  const Outgoing request = KB_TRY(flow_.cancel_after(id, last));
  return outbox_.send_request(id, request);
}

Checked<void> ProviderClient::ask_again(const ListedAttempt& change, RunReport& report) {
  const JournalOrder order = KB_TRY(flow_.find(change.order));
  const AttemptNumber last = KB_TRY(outbox_.last_requested(order));
  if (last > change.attempt || last >= options_.automatic_attempts) {
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
  return outbox_.send_further(change.order, *request, report);
}

// What the operator does not give although it listed it: nothing to wait for.
Checked<void> ProviderClient::turned_down(const ListedAttempt& change,
                                          const Error& error,
                                          RunReport& report) {
  if (is_outage(error.code)) {
    return std::unexpected(not_taken(error));
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
    return std::unexpected(not_taken(withdrawn.error()));
  }
  return {};
}

Checked<void> ProviderClient::seal(const ListedAttempt& change, RunReport& report) {
  const JournalOrder order = KB_TRY(flow_.find(change.order));
  if (delivery::is_final(order.state) || order.state == State::kExpired) {
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
    return unless_outage(outbox_.send_verdict(change.order, judgement.attempt, judgement.verdict));
  }
  if (sealing->outcome == Sealing::Outcome::kSealed) {
    report.events.push_back({.order = change.order,
                             .attempt = change.attempt,
                             .state = State::kSealed,
                             .text = "The element is who it should be; the envelope is sealed."});
    return unless_outage(outbox_.send_delivery(change.order, change.attempt, sealing->envelope));
  }
  const Judgement judgement = KB_TRY(flow_.judge_statement(change.order, *sealing));
  report.events.push_back({.order = change.order,
                           .attempt = judgement.attempt,
                           .state = state_of(judgement.verdict.verdict),
                           .text = judgement.verdict.reason,
                           .trouble = judgement.verdict.verdict != Verdict::kConfirmed});
  KB_TRY(withdraw(change, "the element was read back"));
  return unless_outage(outbox_.send_verdict(change.order, judgement.attempt, judgement.verdict));
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
  KB_TRY(unless_outage(outbox_.send_verdict(change.order, change.attempt, judgement.verdict)));
  return judgement.ask_again ? ask_again(change, report) : Checked<void>();
}

// By its campaign, or by ourselves. Where nothing was sealed, nothing can have been installed, and
// the operator's word is enough; what was sealed ends by our own clock, or by a receipt.
Checked<void> ProviderClient::taken_back(const ListedAttempt& change, RunReport& report) {
  const JournalOrder order = KB_TRY(flow_.find(change.order));
  if (change.attempt != order.current_attempt || delivery::is_final(order.state) ||
      !flow_.abandon(change.order)) {
    return {};
  }
  report.events.push_back({.order = change.order,
                           .attempt = change.attempt,
                           .state = State::kCancelled,
                           .text = "The operator's campaign took the order back before anything "
                                   "was sealed; nothing was installed."});
  return {};
}

// The operator's word on time is a hint: our own clock decides (protocol, section 7).
Checked<void> ProviderClient::expire(const OrderId& id, AttemptNumber attempt, RunReport& report) {
  const JournalOrder before = KB_TRY(flow_.find(id));
  const auto judgement = flow_.expire(id);
  if (!judgement && judgement.error().code == Errc::kState) {
    report.events.push_back({.order = id,
                             .attempt = attempt,
                             .state = before.state,
                             .text = judgement.error().text,
                             .trouble = true});
    return {};
  }
  if (!judgement) {
    return std::unexpected(judgement.error());
  }
  const bool told = delivery::is_final(before.state) || before.state == State::kExpired ||
                    before.state == State::kUnknown;
  if (!told) {
    report.events.push_back(
        {.order = id,
         .attempt = attempt,
         .state = *judgement ? State::kUnknown : State::kExpired,
         .text = *judgement
                     ? fmt::format("Time ran out after the envelope went out, and no receipt came "
                                   "in time: whether SEQ {} was installed is unknown. Read the "
                                   "element back, by a use of the new key or by its key versions, "
                                   "before you order again.",
                                   before.seq)
                     : "Time ran out before anything was sealed; nothing was installed. Make a new "
                       "order once the device is reached, or one with a longer --validity.",
         .trouble = true});
  }
  return *judgement
             ? unless_outage(outbox_.send_verdict(id, (*judgement)->attempt, (*judgement)->verdict))
             : Checked<void>();
}

Checked<void> ProviderClient::expire_overdue(RunReport& report) {
  for (const OrderId& id : KB_TRY(flow_.overdue())) {
    const JournalOrder order = KB_TRY(flow_.find(id));
    const auto expired = expire(id, order.current_attempt, report);
    if (!expired && is_outage(expired.error().code)) {
      return expired;
    }
    if (!expired) {
      report.events.push_back({.order = id,
                               .attempt = order.current_attempt,
                               .state = order.state,
                               .text = expired.error().text,
                               .trouble = true});
    }
  }
  return {};
}

// The operator's word that nobody fetched it yet only delays.
Checked<void> ProviderClient::ask_the_silent(RunReport& report) {
  for (const OrderId& id : KB_TRY(silent_.due())) {
    const auto told = api_.order(id);
    if (!told && is_outage(told.error().code)) {
      return std::unexpected(not_taken(told.error()));
    }
    if (told && !told->attempts.empty() && told->attempts.back().state == State::kHandedOver) {
      KB_TRY(ask_again({.order = id,
                        .attempt = told->attempts.back().attempt,
                        .device = told->device,
                        .state = State::kHandedOver},
                       report));
    }
  }
  return {};
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
    case State::kHandedOver:
      return silent_.handed_over(change.order, change.attempt);
    case State::kReported:
      return judge(change, report);
    case State::kExpired:
      return expire(change.order, change.attempt, report);
    case State::kCancelled:
      return taken_back(change, report);
    default:
      return {};
  }
}

Checked<RunReport> ProviderClient::run_once(std::uint32_t wait_seconds) {
  RunReport report;
  const auto outcome = [&]() -> Checked<void> {
    KB_TRY(outbox_.resend(report));
    if (options_.before_work) {  // an order that is submitted late may be sealed at once
      KB_TRY(options_.before_work());
    }
    KB_TRY(outbox_.submit_forgotten(report));
    KB_TRY(expire_overdue(report));
    KB_TRY(ask_the_silent(report));
    const std::uint32_t until_orders = outbox_.seconds_until_orders();
    return follow_page(until_orders == 0 ? wait_seconds : std::min(wait_seconds, until_orders),
                       report);
  }();
  report.retry_after_seconds = api_.connection().retry_after_seconds();
  if (!outcome) {
    std::ranges::move(report.events, std::back_inserter(untold_));
    return std::unexpected(outcome.error());
  }
  return report;
}

std::vector<RunEvent> ProviderClient::take_untold() { return std::exchange(untold_, {}); }

Checked<void> ProviderClient::follow_page(std::uint32_t wait_seconds, RunReport& report) {
  const auto stored = KB_TRY(journal_.find_record(kCursorKind, ascii(kCursorKey)));
  const std::string cursor = stored ? std::string(stored->begin(), stored->end()) : "";
  const auto listing = api_.list(std::nullopt, cursor, page_, wait_seconds);
  if (!listing) {
    return std::unexpected(not_taken(listing.error()));
  }
  std::vector<ListedAttempt> changes = KB_TRY(pending());
  changes.insert(changes.end(), listing->attempts.begin(), listing->attempts.end());
  if (options_.before_work && !changes.empty()) {
    KB_TRY(options_.before_work());
  }
  for (const ListedAttempt& change : changes) {
    if (const auto done = work_on(change, report); !done) {
      page_ = std::max(page_ / 4, std::uint32_t{1});
      return done;
    }
  }
  page_ = std::min(page_ * 2, kLongestPage);
  KB_CRASH_POINT("provider.cursor.before_record");
  const bool moved = listing->next != cursor;
  if (moved) {
    KB_TRY(journal_.put_record(kCursorKind, ascii(kCursorKey), ascii(listing->next)));
  }
  report.news = moved && !listing->attempts.empty();
  report.more = report.news && listing->more;
  return {};
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
