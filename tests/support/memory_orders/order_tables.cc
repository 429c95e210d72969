// SPDX-License-Identifier: Apache-2.0
#include "tests/support/memory_orders/order_tables.h"

#include <string>

namespace kagibin::test {

using delivery::State;

namespace {

bool is_work(const StoredAttempt& attempt) {
  const State state = attempt.row.state;
  return !attempt.row.held &&
         (state == State::kOrdered || state == State::kSealed || state == State::kHandedOver);
}

bool expires(const StoredAttempt& attempt) {
  const State state = attempt.row.state;
  return state == State::kOrdered || state == State::kEnrolled || state == State::kSealed ||
         state == State::kHandedOver;
}

PhaseKey phase_key(const delivery::OrderRow& order) {
  const delivery::Membership& membership = *order.membership;
  return {.campaign = {.provider = order.provider, .id = membership.campaign},
          .group = membership.group,
          .phase = delivery::phase_of(order.state, membership.held)};
}

}  // namespace

// As the schema of a database begins its log.
OrderTables::OrderTables(std::int64_t created_at) {
  const std::string text = "KBA1 " + std::to_string(created_at) + " begin 0 0";
  entries.emplace_back(text.begin(), text.end());
  head.emplace(0, delivery::AuditHead());
}

OrderTables::OrderTables(const OrderTables& other)
    : orders(other.orders),
      attempts(other.attempts),
      receipts(other.receipts),
      invitations(other.invitations),
      campaigns(other.campaigns),
      histories(other.histories),
      tenants(other.tenants),
      answers(other.answers),
      tiles(other.tiles),
      numbers(other.numbers),
      head(other.head),
      entries(other.entries),
      indexes_(other.indexes_) {}

void OrderTables::append(ByteView entry) {
  entries.emplace_back(entry.begin(), entry.end());
  undo_.emplace_back([this] { entries.pop_back(); });
}

std::uint64_t OrderTables::next(std::string_view kind) {
  const auto last = numbers.find(kind);
  const std::uint64_t number = last == numbers.end() ? 1 : last->second + 1;
  set(numbers, kind, std::optional(number));
  return number;
}

void OrderTables::undo_to(std::size_t mark) {
  while (undo_.size() > mark) {
    undo_.back()();
    undo_.pop_back();
  }
}

void OrderTables::index(const delivery::OrderKey& key,
                        const StoredOrder* before,
                        const StoredOrder* after) {
  for (const auto& [order, sign] : {std::pair(before, -1), std::pair(after, 1)}) {
    if (order == nullptr) {
      continue;
    }
    const delivery::OrderRow& row = order->row;
    indexes_.counts[{row.provider, delivery::name(row.state)}] += sign;
    if (row.membership) {
      indexes_.phases[phase_key(row)] += sign;
    }
    if (row.current_attempt == 0 && row.state == State::kOrdered) {
      const std::pair place(row.not_after, order->ordinal);
      if (sign < 0) {
        indexes_.without_attempt.erase(place);
      } else {
        indexes_.without_attempt.emplace(place, key);
      }
    }
  }
}

void OrderTables::index(const AttemptKey& key,
                        const StoredAttempt* before,
                        const StoredAttempt* after) {
  if (before != nullptr) {
    const delivery::AttemptRow& row = before->row;
    indexes_.by_change.erase({row.provider, row.change});
    indexes_.to_do.erase({row.device, row.sequence});
    indexes_.expiring.erase({before->not_after, row.sequence});
  }
  if (after == nullptr) {
    return;
  }
  const delivery::AttemptRow& row = after->row;
  indexes_.by_change.emplace(std::pair(row.provider, row.change), key);
  if (is_work(*after)) {
    indexes_.to_do.emplace(std::pair(row.device, row.sequence), key);
  }
  if (expires(*after)) {
    indexes_.expiring.emplace(std::pair(after->not_after, row.sequence), key);
  }
}

std::vector<delivery::OrderCount> order_counts_of(const OrderTables& tables,
                                                  const std::optional<Spid>& provider) {
  std::vector<delivery::OrderCount> out;
  for (const auto& [name, count] : tables.indexes().counts) {
    const auto state = delivery::state_by_name(name.second);
    if (count != 0 && state && (!provider || *provider == name.first)) {
      out.push_back(
          {.provider = name.first, .state = *state, .count = static_cast<std::uint64_t>(count)});
    }
  }
  return out;
}

}  // namespace kagibin::test
