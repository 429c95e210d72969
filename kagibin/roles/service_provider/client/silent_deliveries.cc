// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/client/silent_deliveries.h"

namespace kagibin::roles::service_provider {

using delivery::AttemptNumber;
using delivery::JournalOrder;
using delivery::OrderId;
using delivery::State;

namespace {

constexpr AttemptNumber kFirst = 1;
constexpr std::uint32_t kMostFound = 1'000'000;
// Who is told has to ask the operator about each.
constexpr std::size_t kMostDue = 100;

}  // namespace

Checked<void> SilentDeliveries::note(const OrderId& order,
                                     AttemptNumber attempt,
                                     std::int64_t since) {
  if (after_seconds_ != 0 && attempt == kFirst && KB_TRY(flow_.is_at_once(order, attempt))) {
    since_.try_emplace(std::string(order.text()), since);
  }
  return {};
}

Checked<void> SilentDeliveries::handed_over(const OrderId& order, AttemptNumber attempt) {
  return note(order, attempt, flow_.now());
}

Checked<void> SilentDeliveries::find_in_journal() {
  for (const JournalOrder& order : KB_TRY(journal_.orders(State::kSealed, kMostFound))) {
    KB_TRY(note(order.id, order.current_attempt, order.created_at));
  }
  is_found_ = true;
  return {};
}

Checked<std::vector<OrderId>> SilentDeliveries::due() {
  std::vector<OrderId> out;
  if (after_seconds_ == 0) {
    return out;
  }
  if (!is_found_) {
    KB_TRY(find_in_journal());
  }
  const std::int64_t now = flow_.now();
  auto at = since_.upper_bound(last_looked_at_);
  for (std::size_t left = since_.size(); left > 0 && out.size() < kMostDue; --left) {
    at = at == since_.end() ? since_.begin() : at;
    last_looked_at_ = at->first;
    if (now - at->second < std::int64_t{after_seconds_}) {
      ++at;
      continue;
    }
    const OrderId id = KB_TRY(OrderId::from(at->first));
    const JournalOrder order = KB_TRY(flow_.find(id));
    if (order.state != State::kSealed || order.current_attempt != kFirst) {
      at = since_.erase(at);
      continue;
    }
    out.push_back(id);
    at->second = now;
    ++at;
  }
  return out;
}

}  // namespace kagibin::roles::service_provider
