// SPDX-License-Identifier: Apache-2.0
#include "tests/support/memory_orders/memory_transaction.h"

#include <utility>

namespace kagibin::test {

using delivery::AttemptNumber;
using delivery::AttemptRow;
using delivery::DeviceId;
using delivery::InvitationRow;
using delivery::OrderKey;
using delivery::OrderRow;
using delivery::State;

namespace {

constexpr std::string_view kChange = "change";

std::unexpected<Error> no_row() {
  return fail(Errc::kNotFound, "the store has no row of this name");
}
std::unexpected<Error> another() {
  return fail(Errc::kConflict, "the store has a row of this name");
}

Bytes copy(ByteView octets) { return {octets.begin(), octets.end()}; }

}  // namespace

MemoryTransaction::MemoryTransaction(OrderTables& tables, bool& open)
    : tables_(tables),
      open_(open),
      audit_(tables),
      tenants_(tables),
      answers_(tables),
      campaigns_(tables),
      last_change_(tables.numbers[kChange]) {
  open_ = true;
  tables_.is_taken = true;
}

MemoryTransaction::~MemoryTransaction() {
  tables_.undo_to(0);
  tables_.is_taken = false;
  open_ = false;
}

Result<std::optional<OrderRow>> MemoryTransaction::find_order(const OrderKey& order) {
  const auto found = tables_.orders.find(order);
  return found == tables_.orders.end() ? std::nullopt : std::optional(found->second.row);
}

Result<void> MemoryTransaction::insert_order(const OrderRow& row) {
  if (tables_.orders.contains(row.key())) {
    return another();
  }
  tables_.set(tables_.orders, row.key(),
              std::optional(StoredOrder{.row = row, .ordinal = tables_.next("order")}));
  return {};
}

Result<void> MemoryTransaction::update_order(const OrderRow& row) {
  const auto found = tables_.orders.find(row.key());
  if (found == tables_.orders.end()) {
    return no_row();
  }
  StoredOrder order = found->second;
  order.row.state = row.state;
  order.row.current_attempt = row.current_attempt;
  if (order.row.membership) {
    order.row.membership->held = row.membership && row.membership->held;
    order.row.membership->touched = row.membership && row.membership->touched;
  }
  tables_.set(tables_.orders, row.key(), std::optional(std::move(order)));
  return {};
}

Result<std::optional<AttemptRow>> MemoryTransaction::find_attempt(const OrderKey& order,
                                                                  AttemptNumber number) {
  const auto found = tables_.attempts.find({.order = order, .number = number});
  return found == tables_.attempts.end() ? std::nullopt : std::optional(found->second.row);
}

Result<std::vector<AttemptRow>> MemoryTransaction::attempts_of(const OrderKey& order) {
  std::vector<AttemptRow> out;
  for (auto one = tables_.attempts.lower_bound({.order = order, .number = 0});
       one != tables_.attempts.end() && one->first.order == order; ++one) {
    out.push_back(one->second.row);
  }
  return out;
}

Result<void> MemoryTransaction::insert_attempt(const AttemptRow& row) {
  const AttemptKey key{.order = row.order_key(), .number = row.number};
  const auto order = tables_.orders.find(key.order);
  if (order == tables_.orders.end()) {
    return no_row();
  }
  if (tables_.attempts.contains(key)) {
    return another();
  }
  StoredAttempt attempt{.row = row, .not_after = order->second.row.not_after};
  attempt.row.sequence = tables_.next("sequence");
  attempt.row.change = ++last_change_;
  tables_.set(tables_.attempts, key, std::optional(std::move(attempt)));
  return {};
}

Result<void> MemoryTransaction::update_attempt(const AttemptRow& row) {
  const AttemptKey key{.order = row.order_key(), .number = row.number};
  const auto found = tables_.attempts.find(key);
  if (found == tables_.attempts.end()) {
    return no_row();
  }
  const AttemptRow& before = found->second.row;
  StoredAttempt attempt{.row = row, .not_after = found->second.not_after};
  attempt.row.device = before.device;
  attempt.row.kind = before.kind;
  attempt.row.opening = before.opening;
  attempt.row.sequence = before.sequence;
  attempt.row.change = ++last_change_;
  tables_.set(tables_.attempts, key, std::optional(std::move(attempt)));
  return {};
}

Result<std::vector<Bytes>> MemoryTransaction::receipts_of(const OrderKey& order,
                                                          AttemptNumber number) {
  std::vector<Bytes> out;
  for (auto one = tables_.receipts.lower_bound({order, number, 0});
       one != tables_.receipts.end() && std::get<0>(one->first) == order &&
       std::get<1>(one->first) == number;
       ++one) {
    out.push_back(one->second);
  }
  return out;
}

Result<void> MemoryTransaction::insert_receipt(const OrderKey& order,
                                               AttemptNumber number,
                                               std::uint32_t revision,
                                               ByteView receipt) {
  const OrderTables::ReceiptKey key{order, number, revision};
  if (tables_.receipts.contains(key)) {
    return another();
  }
  tables_.set(tables_.receipts, key, std::optional(copy(receipt)));
  return {};
}

Result<std::optional<AttemptRow>> MemoryTransaction::next_work(const DeviceId& device,
                                                               std::uint64_t after) {
  const auto& to_do = tables_.indexes().to_do;
  for (auto one = to_do.upper_bound({device, after});
       one != to_do.end() && one->first.first == device; ++one) {
    const AttemptKey& key = one->second;
    if (tables_.orders.at(key.order).row.current_attempt == key.number) {
      return std::optional(tables_.attempts.at(key).row);
    }
  }
  return std::optional<AttemptRow>();
}

Result<std::vector<AttemptRow>> MemoryTransaction::list(const Spid& provider,
                                                        std::optional<State> state,
                                                        std::uint64_t after,
                                                        std::uint32_t limit) {
  std::vector<AttemptRow> out;
  const auto& by_change = tables_.indexes().by_change;
  for (auto one = by_change.upper_bound({provider, after});
       one != by_change.end() && one->first.first == provider && out.size() < limit; ++one) {
    const AttemptRow& row = tables_.attempts.at(one->second).row;
    if (!state || row.state == *state) {
      out.push_back(row);
    }
  }
  return out;
}

Result<std::vector<AttemptRow>> MemoryTransaction::overdue_attempts(std::int64_t now,
                                                                    std::uint32_t limit) {
  std::vector<AttemptRow> out;
  for (const auto& [place, key] : tables_.indexes().expiring) {
    if (place.first >= now || out.size() == limit) {
      break;
    }
    out.push_back(tables_.attempts.at(key).row);
  }
  return out;
}

Result<std::vector<OrderRow>> MemoryTransaction::overdue_orders(std::int64_t now,
                                                                std::uint32_t limit) {
  std::vector<OrderRow> out;
  for (const auto& [place, key] : tables_.indexes().without_attempt) {
    if (place.first >= now || out.size() == limit) {
      break;
    }
    out.push_back(tables_.orders.at(key).row);
  }
  return out;
}

Result<std::vector<delivery::OrderCount>> MemoryTransaction::order_counts(
    const std::optional<Spid>& provider) {
  return order_counts_of(tables_, provider);
}

Result<std::optional<InvitationRow>> MemoryTransaction::find_invitation(ByteView token_hash) {
  const auto found = tables_.invitations.find(copy(token_hash));
  return found == tables_.invitations.end() ? std::nullopt : std::optional(found->second);
}

Result<void> MemoryTransaction::insert_invitation(const InvitationRow& row) {
  const Bytes key = copy(row.token_hash);
  if (tables_.invitations.contains(key)) {
    return another();
  }
  tables_.set(
      tables_.invitations, key,
      std::optional(InvitationRow{
          .token_hash = row.token_hash, .subject = row.subject, .not_after = row.not_after}));
  return {};
}

Result<void> MemoryTransaction::update_invitation(const InvitationRow& row) {
  const Bytes key = copy(row.token_hash);
  const auto found = tables_.invitations.find(key);
  if (found == tables_.invitations.end()) {
    return no_row();
  }
  InvitationRow invitation = found->second;
  invitation.request = row.request;
  invitation.certificate = row.certificate;
  tables_.set(tables_.invitations, key, std::optional(std::move(invitation)));
  return {};
}

Result<void> MemoryTransaction::mark() {
  mark_ = tables_.mark();
  return {};
}

Result<void> MemoryTransaction::roll_back_to_mark() {
  if (!mark_) {
    return fail(Errc::kState, "a transaction without a mark");
  }
  tables_.undo_to(*mark_);
  return {};
}

Result<void> MemoryTransaction::commit() {
  tables_.numbers[kChange] = last_change_;
  tables_.keep();
  return {};
}

}  // namespace kagibin::test
