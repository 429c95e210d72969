// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/orders/order_rows.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kagibin::store {

using delivery::AttemptNumber;
using delivery::AttemptRow;
using delivery::DeviceId;
using delivery::OrderId;
using delivery::OrderRow;
using delivery::Work;

namespace {

constexpr std::array<std::string_view, 3> kKinds = {"enrol", "deliver", "cancel"};

Bytes copy(ByteView octets) { return {octets.begin(), octets.end()}; }

Result<Work::Kind> kind_by_name(std::string_view text) {
  const auto* found = std::ranges::find(kKinds, text);
  if (found == kKinds.end()) {
    return fail(Errc::kStore, "the store holds an attempt of an unknown kind");
  }
  return static_cast<Work::Kind>(found - kKinds.begin());
}

Result<delivery::Verdict> verdict_by_name(std::string_view text) {
  using delivery::Verdict;
  for (const Verdict verdict :
       {Verdict::kConfirmed, Verdict::kRefused, Verdict::kUnknown, Verdict::kCancelled}) {
    if (delivery::name(verdict) == text) {
      return verdict;
    }
  }
  return fail(Errc::kStore, "the store holds an unknown verdict");
}

}  // namespace

std::string_view name(Work::Kind kind) { return kKinds.at(std::to_underlying(kind)); }

Result<OrderRow> read_order(const Row& row) {
  const OrderId id = KB_TRY(OrderId::from(row.text(0)));
  const DeviceId device = KB_TRY(DeviceId::from(row.text(2)));
  OrderRow order{.id = id, .provider = {}, .device = device};
  order.provider = KB_TRY(Spid::from(row.octets(1)));
  order.not_after = row.integer(3);
  order.state = KB_TRY(delivery::state_by_name(row.text(4)));
  order.current_attempt = static_cast<AttemptNumber>(row.integer(5));
  order.created_at = row.integer(6);
  if (!row.is_null(7)) {
    const auto campaign = KB_TRY(delivery::CampaignId::from(row.text(7)));
    order.membership = delivery::Membership{.campaign = campaign};
    order.membership->group = static_cast<std::uint32_t>(row.integer(8));
    order.membership->held = row.integer(9) != 0;
    order.membership->touched = row.integer(10) != 0;
    order.membership->attributes = KB_TRY(delivery::attributes_from_text(row.text(11)));
  }
  return order;
}

Result<AttemptRow> read_attempt(const Row& row) {
  const OrderId order = KB_TRY(OrderId::from(row.text(0)));
  const DeviceId device = KB_TRY(DeviceId::from(row.text(3)));
  AttemptRow attempt{.order = order, .provider = {}, .device = device};
  attempt.number = static_cast<AttemptNumber>(row.integer(1));
  attempt.provider = KB_TRY(Spid::from(row.octets(2)));
  attempt.kind = KB_TRY(kind_by_name(row.text(4)));
  attempt.state = KB_TRY(delivery::state_by_name(row.text(5)));
  attempt.opening = copy(row.octets(6));
  if (!row.is_null(7)) {
    attempt.answer = copy(row.octets(7));
  }
  if (!row.is_null(8)) {
    attempt.envelope = copy(row.octets(8));
  }
  attempt.receipts = static_cast<std::uint32_t>(row.integer(9));
  if (!row.is_null(10)) {
    const delivery::Verdict verdict = KB_TRY(verdict_by_name(row.text(10)));
    attempt.verdict = delivery::VerdictMessage{verdict, std::string(row.text(11))};
    if (!row.is_null(15)) {
      attempt.verdict->revision = static_cast<std::uint32_t>(row.integer(15));
    }
  }
  if (!row.is_null(12)) {
    attempt.withdrawal = std::string(row.text(12));
  }
  attempt.sequence = static_cast<std::uint64_t>(row.integer(13));
  attempt.change = static_cast<std::uint64_t>(row.integer(14));
  attempt.held = row.integer(16) != 0;
  return attempt;
}

Result<delivery::InvitationRow> read_invitation(const Row& row) {
  delivery::InvitationRow invitation;
  const auto hash = to_array<32>(row.octets(0));
  if (!hash) {
    return fail(Errc::kStore, "the store holds an invitation's hash of another length");
  }
  invitation.token_hash = *hash;
  invitation.subject = row.text(1);
  invitation.not_after = row.integer(2);
  if (!row.is_null(3)) {
    invitation.request = std::string(row.text(3));
  }
  if (!row.is_null(4)) {
    invitation.certificate = std::string(row.text(4));
  }
  return invitation;
}

Result<delivery::OrderCount> read_order_count(const Row& row) {
  const Spid provider = KB_TRY(Spid::from(row.octets(0)));
  const delivery::State state = KB_TRY(delivery::state_by_name(row.text(1)));
  const std::int64_t count = row.integer(2);
  if (count < 0) {
    return fail(Errc::kStore, "the store counts less than no order");
  }
  return delivery::OrderCount{
      .provider = provider, .state = state, .count = static_cast<std::uint64_t>(count)};
}

Result<delivery::TenantRow> read_tenant(const Row& row) {
  delivery::TenantRow tenant;
  tenant.provider = KB_TRY(Spid::from(row.octets(0)));
  if (!row.is_null(1)) {
    tenant.limits.max_open = static_cast<std::uint32_t>(row.integer(1));
  }
  if (!row.is_null(2) && !row.is_null(3)) {
    tenant.limits.rate = {.per_minute = static_cast<std::uint32_t>(row.integer(2)),
                          .burst = static_cast<std::uint32_t>(row.integer(3))};
  }
  tenant.units = row.integer(4);
  tenant.filled_at_ms = row.integer(5);
  tenant.open = static_cast<std::uint64_t>(std::max<std::int64_t>(row.integer(6), 0));
  return tenant;
}

Result<delivery::AnswerRow> read_answer(const Row& row) {
  delivery::AnswerRow answer;
  answer.name = {.owner = std::string(row.text(0)), .key = std::string(row.text(1))};
  const auto request = to_array<32>(row.octets(2));
  if (!request) {
    return fail(Errc::kStore, "the store has a digest of another length");
  }
  answer.request = *request;
  answer.status = static_cast<int>(row.integer(3));
  answer.body = std::string(row.text(4));
  answer.kept_at = row.integer(5);
  return answer;
}

Result<std::vector<AttemptRow>> read_attempts(Query& query) {
  std::vector<AttemptRow> rows;
  for (bool more = KB_TRY(query.step()); more; more = KB_TRY(query.step())) {
    AttemptRow row = KB_TRY(read_attempt(query));
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::vector<OrderRow>> read_orders(Query& query) {
  std::vector<OrderRow> rows;
  for (bool more = KB_TRY(query.step()); more; more = KB_TRY(query.step())) {
    OrderRow row = KB_TRY(read_order(query));
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::vector<delivery::OrderCount>> read_order_counts(Query& query) {
  std::vector<delivery::OrderCount> counts;
  for (bool more = KB_TRY(query.step()); more; more = KB_TRY(query.step())) {
    const delivery::OrderCount count = KB_TRY(read_order_count(query));
    counts.push_back(count);
  }
  return counts;
}

Result<std::optional<AttemptRow>> read_first_attempt(Query& query) {
  const bool found = KB_TRY(query.step());
  if (!found) {
    return std::optional<AttemptRow>();
  }
  AttemptRow row = KB_TRY(read_attempt(query));
  return std::optional<AttemptRow>(std::move(row));
}

void bind_key(Query& query, const delivery::OrderKey& order) {
  query.bind(1, order.provider.view());
  query.bind(2, std::string_view(order.id.text()));
}

void bind_progress(Query& query, const AttemptRow& row, std::int64_t change) {
  query.bind(4, delivery::name(row.state));
  if (row.answer) {
    query.bind(5, ByteView(*row.answer));
  }
  if (row.envelope) {
    query.bind(6, ByteView(*row.envelope));
  }
  query.bind(7, static_cast<std::int64_t>(row.receipts));
  if (row.verdict) {
    query.bind(8, delivery::name(row.verdict->verdict));
    query.bind(9, std::string_view(row.verdict->reason));
    if (row.verdict->revision) {
      query.bind(12, static_cast<std::int64_t>(*row.verdict->revision));
    }
  }
  if (row.withdrawal) {
    query.bind(10, std::string_view(*row.withdrawal));
  }
  query.bind(11, change);
  query.bind(13, static_cast<std::int64_t>(row.held ? 1 : 0));
}

}  // namespace kagibin::store
