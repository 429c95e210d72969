// SPDX-License-Identifier: Apache-2.0
#include "tests/support/memory_orders/memory_snapshot.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kagibin::test {

using delivery::OrderRow;
using delivery::State;

namespace {

constexpr std::array kWaited = {State::kOrdered,    State::kEnrolled, State::kSealed,
                                State::kHandedOver, State::kReported, State::kUnknown};

bool waits_for_its_campaign(const OrderRow& row) {
  return row.membership && row.membership->held &&
         (row.state == State::kOrdered || row.state == State::kSealed);
}

// The rows of a map, the first time.
template <typename Rows, typename Of>
auto all_once(const Rows& rows, bool& told, const Of& of) {
  std::vector<decltype(of(*rows.begin()))> out;
  if (!std::exchange(told, true)) {
    for (const auto& one : rows) {
      out.push_back(of(one));
    }
  }
  return out;
}

}  // namespace

Result<std::vector<Bytes>> MemorySnapshot::audit_entries(std::uint64_t first, std::uint32_t limit) {
  std::vector<Bytes> out;
  const std::uint64_t last = std::min(tables_.head.at(0).size, first + limit);
  for (std::uint64_t place = first; place < last; ++place) {
    out.push_back(tables_.entries.at(place));
  }
  return out;
}

Result<std::optional<delivery::AuditTile>> MemorySnapshot::audit_tile(
    const delivery::AuditTileName& name) {
  const auto found = tables_.tiles.find({name.level, name.number});
  return found == tables_.tiles.end()
             ? std::nullopt
             : std::optional(delivery::AuditTile{.name = name, .hashes = found->second});
}

Result<std::vector<delivery::OrderCount>> MemorySnapshot::order_counts() {
  return order_counts_of(tables_, std::nullopt);
}

Result<delivery::StoreFigures> MemorySnapshot::figures() {
  delivery::StoreFigures out;
  for (const delivery::OrderCount& one : KB_TRY(order_counts())) {
    out.in(one.state) += one.count;
  }
  for (const State state : kWaited) {
    std::optional<std::int64_t> oldest;
    for (const auto& [key, order] : tables_.orders) {
      if (order.row.state == state && !waits_for_its_campaign(order.row)) {
        oldest = std::min(oldest.value_or(order.row.created_at), order.row.created_at);
      }
    }
    if (oldest) {
      out.oldest.push_back({.state = state, .created_at = *oldest});
    }
  }
  out.entries = tables_.head.at(0).size;
  out.without_place =
      std::min<std::uint64_t>(tables_.entries.size() - out.entries, delivery::kMostWithoutPlace);
  return out;
}

Result<std::vector<Bytes>> MemorySnapshot::next_without_place() {
  std::vector<Bytes> out;
  if (!std::exchange(told_waiting_, true)) {
    const auto first = static_cast<std::ptrdiff_t>(tables_.head.at(0).size);
    out.assign(tables_.entries.begin() + first, tables_.entries.end());
  }
  return out;
}

Result<std::vector<OrderRow>> MemorySnapshot::next_orders() {
  return all_once(tables_.orders, told_orders_, [](const auto& one) { return one.second.row; });
}

Result<std::vector<delivery::AttemptRow>> MemorySnapshot::next_attempts() {
  return all_once(tables_.attempts, told_attempts_, [](const auto& one) { return one.second.row; });
}

Result<std::vector<delivery::ReceiptRow>> MemorySnapshot::next_receipts() {
  return all_once(tables_.receipts, told_receipts_, [](const auto& one) {
    const auto& [order, number, revision] = one.first;
    return delivery::ReceiptRow{
        .order = order, .number = number, .revision = revision, .receipt = one.second};
  });
}

Result<std::vector<delivery::CampaignRow>> MemorySnapshot::next_campaigns() {
  return all_once(tables_.campaigns, told_campaigns_,
                  [](const auto& one) { return one.second.row; });
}

Result<std::vector<delivery::CampaignCount>> MemorySnapshot::next_campaign_counts() {
  std::vector<delivery::CampaignCount> out;
  if (std::exchange(told_campaign_counts_, true)) {
    return out;
  }
  for (const auto& [key, count] : tables_.indexes().phases) {
    if (count != 0) {
      out.push_back({.campaign = key.campaign,
                     .of_group = {.group = key.group,
                                  .state = KB_TRY(delivery::state_of_phase(key.phase)),
                                  .count = static_cast<std::uint64_t>(count)}});
    }
  }
  return out;
}

}  // namespace kagibin::test
