// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/audit/order_ledger.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "kagibin/delivery/messages.h"
#include "kagibin/delivery/relayed_message.h"

namespace kagibin::roles::key_distribution_operator {

using delivery::AttemptRow;
using delivery::OrderRow;
using delivery::ReceiptRow;

namespace {

std::string name_of(const delivery::OrderKey& order) {
  return fmt::format("{}/{}", order.provider.hex(), order.id.text());
}

std::string name_of(const delivery::OrderKey& order, delivery::AttemptNumber attempt) {
  return fmt::format("{}/{}, attempt {}", order.provider.hex(), order.id.text(), attempt);
}

// Whether a row's message is the one in the log. What is not there may have come before the log,
// unless that saw all: then the row may not have it either.
bool same(const std::optional<crypto::Digest256>& logged,
          std::optional<ByteView> message,
          bool saw_all) {
  return logged ? message && *logged == crypto::sha256(*message) : !saw_all || !message;
}

std::optional<ByteView> view(const std::optional<Bytes>& octets) {
  return octets ? std::optional(ByteView(*octets)) : std::nullopt;
}

std::optional<ByteView> view(const std::optional<std::string>& text) {
  return text ? std::optional(ascii(*text)) : std::nullopt;
}

std::optional<std::string> json_of(const std::optional<delivery::VerdictMessage>& verdict) {
  return verdict ? std::optional(to_json(*verdict)) : std::nullopt;
}

std::optional<std::string> json_of(const std::optional<std::string>& withdrawal) {
  return withdrawal ? std::optional(to_json(delivery::WithdrawalMessage{*withdrawal}))
                    : std::nullopt;
}

// Whether the attempt is what it was opened as.
bool is_of_its_kind(const AttemptRow& row) {
  if (row.kind == delivery::Work::Kind::kDeliver) {
    return delivery::outline_of_envelope(row.opening).has_value();
  }
  const auto request = delivery::outline_of_request(row.opening);
  return request && request->cancel == (row.kind == delivery::Work::Kind::kCancel);
}

}  // namespace

void OrderLedger::take_message(Attempt& attempt, const OrderChange& change) {
  switch (change.event) {
    case AuditEvent::kAttempt:
      attempt.opened = true;
      attempt.opening = change.digest;
      break;
    case AuditEvent::kEnrolment:
      attempt.answer = change.digest;
      break;
    case AuditEvent::kDelivery:
      attempt.envelope = change.digest;
      break;
    case AuditEvent::kReceipt:
      if (change.digest) {
        attempt.receipts.insert_or_assign(change.revision, *change.digest);
      }
      break;
    case AuditEvent::kVerdictConfirmed:
    case AuditEvent::kVerdictRefused:
    case AuditEvent::kVerdictUnknown:
    case AuditEvent::kVerdictCancelled:
      attempt.verdict = change.digest;
      break;
    case AuditEvent::kWithdraw:
      attempt.withdrawal = change.digest;
      break;
    case AuditEvent::kOrder:
    case AuditEvent::kHandOver:
    case AuditEvent::kExpire:
    case AuditEvent::kSupersede:
    case AuditEvent::kRelease:
    case AuditEvent::kCancel:
      break;
  }
}

// Whether something of an earlier attempt may be in the element (Membership::touched).
bool OrderLedger::is_in_doubt(const Order& order, delivery::AttemptNumber opened) {
  using delivery::State;
  return std::ranges::any_of(order.attempts, [opened](const auto& entry) {
    const State state = entry.second.state;
    return entry.first < opened && (state == State::kHandedOver || state == State::kReported ||
                                    state == State::kUnknown || state == State::kExpired);
  });
}

void OrderLedger::take(const AuditEntry& entry) {
  if (const auto* begin = std::get_if<LogBegin>(&entry)) {
    begin_ = *begin;
    return;
  }
  const OrderChange& change = std::get<OrderChange>(entry);
  Order& order = orders_[change.order];
  order.state = change.order_state;
  order.released = order.released || change.event == AuditEvent::kRelease;
  if (change.event == AuditEvent::kOrder) {
    order.made = true;
    order.created_at = change.time;
    order.content = change.digest;
  }
  if (change.attempt != 0) {
    Attempt& attempt = order.attempts[change.attempt];
    attempt.state = change.state;
    if (change.event == AuditEvent::kAttempt) {
      order.last_opened = std::max(order.last_opened, change.attempt);
      order.touched = is_in_doubt(order, change.attempt);
      attempt.held = !order.released;
    } else if (change.event == AuditEvent::kRelease) {
      attempt.held = false;  // of the current one: others stay as they were
    }
    order.touched = order.touched || change.event == AuditEvent::kHandOver;
    take_message(attempt, change);
  }
}

void OrderLedger::compare(const OrderRow& row, Findings& findings) {
  const auto found = orders_.find(row.key());
  if (found == orders_.end() || !found->second.made) {
    ++older_orders_;
  }
  if (found == orders_.end()) {
    return;
  }
  Order& order = found->second;
  order.seen = true;
  order.device = row.device;
  if (order.state != row.state) {
    findings.add(fmt::format("Order {} is {} in the store and {} in the log.", name_of(row.key()),
                             delivery::name(row.state), delivery::name(order.state)));
  }
  const std::string content = to_json(delivery::request_of(row));
  if (!same(order.content, ascii(content), order.made)) {
    findings.add(fmt::format("Order {}: its device, notAfter or campaign is not what was ordered.",
                             name_of(row.key())));
  }
  if (order.made && order.created_at != row.created_at) {
    findings.add(fmt::format("Order {}: it was made at another time than the log says.",
                             name_of(row.key())));
  }
  if (row.membership && row.membership->held == order.released) {
    findings.add(fmt::format("Order {} {} by its campaign in the log, and {} in the store.",
                             name_of(row.key()), order.released ? "was released" : "is held",
                             row.membership->held ? "is held" : "was released"));
  }
  order.member = row.membership.has_value();
  if (row.membership && order.made && row.membership->touched != order.touched) {
    findings.add(fmt::format("Order {}: whether something was handed over is not as the log says.",
                             name_of(row.key())));
  }
  const delivery::AttemptNumber last = order.last_opened;
  if ((order.made || last != 0) && row.current_attempt != last) {
    findings.add(fmt::format("Order {}: its current attempt is {} in the store and {} in the log.",
                             name_of(row.key()), row.current_attempt, last));
  }
}

void OrderLedger::compare(const AttemptRow& row, Findings& findings) {
  const auto order = orders_.find(row.order_key());
  Attempt* attempt = nullptr;
  if (order != orders_.end()) {
    const auto found = order->second.attempts.find(row.number);
    attempt = found == order->second.attempts.end() ? nullptr : &found->second;
  }
  const std::string name = name_of(row.order_key(), row.number);
  if (attempt == nullptr || !attempt->opened) {
    if (order != orders_.end() && order->second.made) {
      findings.add(
          fmt::format("Order {} was not opened in the log, which saw the order made.", name));
    } else {
      ++older_attempts_;
    }
  }
  if (attempt == nullptr) {
    return;
  }
  attempt->seen = true;
  if (attempt->state != row.state) {
    findings.add(fmt::format("Order {} is {} in the store and {} in the log.", name,
                             delivery::name(row.state), delivery::name(attempt->state)));
  }
  const bool all = attempt->opened;
  const std::optional<std::string> verdict = json_of(row.verdict);
  const std::optional<std::string> withdrawal = json_of(row.withdrawal);
  const std::pair<bool, std::string_view> parts[] = {
      {same(attempt->opening, ByteView(row.opening), all), "the message that opened it"},
      {same(attempt->answer, view(row.answer), all), "the enrolment answer"},
      {same(attempt->envelope, view(row.envelope), all), "the envelope"},
      {same(attempt->verdict, view(verdict), all), "the verdict"},
      {same(attempt->withdrawal, view(withdrawal), all), "the withdrawal"},
      {!all || is_of_its_kind(row), "what the agent is asked to do"},
      {!all || row.receipts == attempt->receipts.size(), "the number of receipts"},
  };
  for (const auto& [is_same, what] : parts) {
    if (!is_same) {
      findings.add(fmt::format("Order {}: {} is not the one in the log.", name, what));
    }
  }
  const bool held =
      order->second.member && attempt->held && row.kind != delivery::Work::Kind::kCancel;
  if (all && row.held != held) {
    findings.add(fmt::format("Order {} {} in the store, and {} in the log.", name,
                             row.held ? "is held" : "is not held", held ? "is" : "is not"));
  }
  if (order->second.device && *order->second.device != row.device) {
    findings.add(fmt::format("Order {}: its device is not that of the order.", name));
  }
}

void OrderLedger::compare(const ReceiptRow& row, Findings& findings) {
  const auto order = orders_.find(row.order);
  if (order == orders_.end()) {
    return;
  }
  const auto attempt = order->second.attempts.find(row.number);
  if (attempt == order->second.attempts.end()) {
    return;
  }
  const auto logged = attempt->second.receipts.find(row.revision);
  if (logged == attempt->second.receipts.end()) {
    const auto& receipts = attempt->second.receipts;
    if (attempt->second.opened || (!receipts.empty() && row.revision > receipts.begin()->first)) {
      findings.add(fmt::format("Order {}: receipt {} is not in the log.",
                               name_of(row.order, row.number), row.revision));
    }
    return;
  }
  ++attempt->second.receipts_seen;
  if (!same(logged->second, ByteView(row.receipt), true)) {
    findings.add(fmt::format("Order {}: receipt {} is not the one in the log.",
                             name_of(row.order, row.number), row.revision));
  }
}

void OrderLedger::finish(Findings& findings) const {
  for (const auto& [key, order] : orders_) {
    if (!order.seen) {
      findings.add(fmt::format("Order {} is in the log and not in the store.", name_of(key)));
      continue;
    }
    for (const auto& [number, attempt] : order.attempts) {
      if (!attempt.seen) {
        findings.add(
            fmt::format("Order {} is in the log and not in the store.", name_of(key, number)));
      } else if (attempt.receipts_seen != attempt.receipts.size()) {
        findings.add(fmt::format("Order {}: the store lacks receipts that are in the log.",
                                 name_of(key, number)));
      }
    }
  }
  if (older_orders_ != begin_.orders) {
    findings.add(fmt::format("{} orders of the store were not made in the log; it began with {}.",
                             older_orders_, begin_.orders));
  }
  if (older_attempts_ != begin_.attempts) {
    findings.add(
        fmt::format("{} attempts of the store were not opened in the log; it began with {}.",
                    older_attempts_, begin_.attempts));
  }
}

}  // namespace kagibin::roles::key_distribution_operator
