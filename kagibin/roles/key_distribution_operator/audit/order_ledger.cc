// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/audit/order_ledger.h"

#include <utility>

#include <fmt/format.h>

#include "kagibin/delivery/messages.h"

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

// Whether a row's message is the one in the log, where the log saw it come.
bool same(const std::optional<crypto::Digest256>& logged, std::optional<ByteView> message) {
  return !logged || (message && *logged == crypto::sha256(*message));
}

std::optional<ByteView> view(const std::optional<Bytes>& octets) {
  return octets ? std::optional<ByteView>(*octets) : std::nullopt;
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
      break;
  }
}

void OrderLedger::take(const AuditEntry& entry) {
  if (const auto* begin = std::get_if<LogBegin>(&entry)) {
    begin_ = *begin;
    return;
  }
  const OrderChange& change = std::get<OrderChange>(entry);
  Order& order = orders_[change.order];
  order.state = change.order_state;
  if (change.event == AuditEvent::kOrder) {
    order.made = true;
    order.content = change.digest;
  }
  if (change.attempt != 0) {
    Attempt& attempt = order.attempts[change.attempt];
    attempt.state = change.state;
    take_message(attempt, change);
  }
}

void OrderLedger::compare(const OrderRow& row, Findings& findings) {
  const auto order = orders_.find(row.key());
  if (order == orders_.end() || !order->second.made) {
    ++older_orders_;
  }
  if (order == orders_.end()) {
    return;
  }
  order->second.seen = true;
  if (order->second.state != row.state) {
    findings.add(fmt::format("Order {} is {} in the store and {} in the log.", name_of(row.key()),
                             delivery::name(row.state), delivery::name(order->second.state)));
  }
  const std::string content =
      to_json(delivery::OrderRequest{.device = row.device, .not_after = row.not_after});
  if (!same(order->second.content, ascii(content))) {
    findings.add(fmt::format("Order {}: its device or notAfter is not what was ordered.",
                             name_of(row.key())));
  }
}

void OrderLedger::compare(const AttemptRow& row, Findings& findings) {
  const auto order = orders_.find(row.order_key());
  Attempt* attempt = nullptr;
  if (order != orders_.end()) {
    const auto found = order->second.attempts.find(row.number);
    attempt = found == order->second.attempts.end() ? nullptr : &found->second;
  }
  if (attempt == nullptr || !attempt->opened) {
    ++older_attempts_;
  }
  if (attempt == nullptr) {
    return;
  }
  const std::string name = name_of(row.order_key(), row.number);
  attempt->seen = true;
  if (attempt->state != row.state) {
    findings.add(fmt::format("Order {} is {} in the store and {} in the log.", name,
                             delivery::name(row.state), delivery::name(attempt->state)));
  }
  const std::string verdict = row.verdict ? to_json(*row.verdict) : std::string();
  const std::string withdrawal =
      row.withdrawal ? to_json(delivery::WithdrawalMessage{*row.withdrawal}) : std::string();
  const std::pair<bool, std::string_view> messages[] = {
      {same(attempt->opening, ByteView(row.opening)), "the message that opened it"},
      {same(attempt->answer, view(row.answer)), "the enrolment answer"},
      {same(attempt->envelope, view(row.envelope)), "the envelope"},
      {same(attempt->verdict, ascii(verdict)), "the verdict"},
      {same(attempt->withdrawal, ascii(withdrawal)), "the withdrawal"},
  };
  for (const auto& [is_same, what] : messages) {
    if (!is_same) {
      findings.add(fmt::format("Order {}: {} is not the one in the log.", name, what));
    }
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
    if (attempt->second.opened) {
      findings.add(fmt::format("Order {}: receipt {} is not in the log.",
                               name_of(row.order, row.number), row.revision));
    }
    return;
  }
  ++attempt->second.receipts_seen;
  if (!same(logged->second, ByteView(row.receipt))) {
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
