// SPDX-License-Identifier: Apache-2.0
// Rows in memory; what goes between this and the server stands in order_pipeline.cc, invitations in
// invitation_statements.cc, counts in count_statements.cc.
#include "kagibin/store/postgres/order_transaction_postgres.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "kagibin/store/orders/order_rows.h"
#include "kagibin/store/postgres/order_statements.h"
#include "kagibin/store/postgres/pg_failure.h"

namespace kagibin::store {

using delivery::AttemptNumber;
using delivery::AttemptRow;
using delivery::DeviceId;
using delivery::OrderKey;
using delivery::OrderRow;
using delivery::State;

namespace {

constexpr int kWorkTries = 8;

// Until it expires.
bool may_expire(State state) {
  return state == State::kOrdered || state == State::kEnrolled || state == State::kSealed ||
         state == State::kHandedOver;
}

Detail no_row() { return "the store has no row of this name"; }
Detail taken() { return "the store already has a row of this name"; }

bool is_work(const AttemptRow& attempt) {
  return !attempt.held && (attempt.state == State::kOrdered || attempt.state == State::kSealed ||
                           attempt.state == State::kHandedOver);
}

void add_key(PgParameters& out, const OrderKey& key) {
  out.octets(key.provider.view()).text(key.id.text());
}

void add_octets(PgParameters& out, const std::optional<Bytes>& octets) {
  octets ? out.octets(*octets) : out.null();
}

void add_text(PgParameters& out, const std::optional<std::string>& text) {
  text ? out.text(*text) : out.null();
}

// Held and touched.
void add_marks(PgParameters& out, const OrderRow& row) {
  out.integer(row.membership && row.membership->held ? 1 : 0);
  out.integer(row.membership && row.membership->touched ? 1 : 0);
}

// Parameters 1 to 12 of kInsertAttempt and kUpdateAttempt.
PgParameters progress_of(const AttemptRow& row) {
  PgParameters out;
  add_key(out, row.order_key());
  out.integer(row.number).text(delivery::name(row.state));
  add_octets(out, row.answer);
  add_octets(out, row.envelope);
  out.integer(row.receipts);
  if (row.verdict) {
    out.text(delivery::name(row.verdict->verdict)).text(row.verdict->reason);
  } else {
    out.null().null();
  }
  add_text(out, row.withdrawal);
  if (row.verdict && row.verdict->revision) {
    out.integer(*row.verdict->revision);
  } else {
    out.null();
  }
  out.integer(row.held ? 1 : 0);
  return out;
}

OrderKey key_in(const PgRow& row) {
  return {.provider = Spid{*to_array<16>(row.octets(0))},
          .id = delivery::OrderId::from(row.text(1)).value()};
}

}  // namespace

Result<PostgresOrderTransaction::Entry*> PostgresOrderTransaction::entry(const OrderKey& key) {
  KB_TRY(alive());
  if (!entries_.contains(key)) {
    KB_TRY(load({key}, true));
  }
  return &entries_[key];
}

// What was read without a lock is read again with one: it must not have changed.
Result<PostgresOrderTransaction::Entry*> PostgresOrderTransaction::entry_to_change(
    const OrderKey& key) {
  Entry* found = KB_TRY(entry(key));
  if (!found->locked) {
    const auto outline = [](const Entry& of) {
      std::vector<std::uint64_t> changes;
      changes.reserve(of.attempts.size());
      for (const auto& [number, attempt] : of.attempts) {
        changes.push_back(attempt.change);
      }
      return std::pair(of.order
                           ? std::optional(std::pair(of.order->state, of.order->current_attempt))
                           : std::nullopt,
                       changes);
    };
    const auto seen = outline(*found);
    KB_TRY(load({key}, true));
    found = &entries_[key];
    if (outline(*found) != seen) {
      failed_ = true;
      return std::unexpected(postgres_failure("40001"));
    }
  }
  if (marked_) {
    before_mark_.try_emplace(key, *found);
  }
  return found;
}

void PostgresOrderTransaction::touch(const OrderKey& key, const DeviceId& device) {
  changed_devices_.insert(device);
  changed_providers_.insert(key.provider);
}

Result<std::optional<OrderRow>> PostgresOrderTransaction::find_order(const OrderKey& order) {
  const Entry* found = KB_TRY(entry(order));
  return found->order;
}

Result<void> PostgresOrderTransaction::insert_order(const OrderRow& row) {
  Entry* found = KB_TRY(entry_to_change(row.key()));
  if (found->order) {
    return fail(Errc::kConflict, taken());
  }
  PgParameters parameters;
  add_key(parameters, row.key());
  parameters.text(row.device.text()).integer(row.not_after).text(delivery::name(row.state));
  parameters.integer(row.current_attempt).integer(row.created_at);
  if (row.membership) {
    parameters.text(row.membership->campaign.text()).integer(row.membership->group);
  } else {
    parameters.null().null();
  }
  add_marks(parameters, row);
  row.membership ? parameters.text(delivery::attributes_text(row.membership->attributes))
                 : parameters.null();
  writes_.push_back({.sql = sql::kInsertOrder,
                     .parameters = std::move(parameters),
                     .counted = Counted{.after = row}});
  found->order = row;
  return {};
}

Result<void> PostgresOrderTransaction::update_order(const OrderRow& row) {
  Entry* found = KB_TRY(entry_to_change(row.key()));
  if (!found->order) {
    return fail(Errc::kNotFound, no_row());
  }
  PgParameters parameters;
  add_key(parameters, row.key());
  parameters.text(delivery::name(row.state)).integer(row.current_attempt);
  add_marks(parameters, row);
  writes_.push_back({.sql = sql::kUpdateOrder,
                     .parameters = std::move(parameters),
                     .counted = Counted{.before = found->order, .after = row}});
  found->order->state = row.state;
  found->order->current_attempt = row.current_attempt;
  found->order->membership = row.membership;
  touch(row.key(), found->order->device);
  return {};
}

Result<std::optional<AttemptRow>> PostgresOrderTransaction::find_attempt(const OrderKey& order,
                                                                         AttemptNumber number) {
  const Entry* found = KB_TRY(entry(order));
  const auto attempt = found->attempts.find(number);
  return attempt == found->attempts.end() ? std::optional<AttemptRow>() : attempt->second;
}

Result<std::vector<AttemptRow>> PostgresOrderTransaction::attempts_of(const OrderKey& order) {
  const Entry* found = KB_TRY(entry(order));
  const auto rows = std::views::values(found->attempts);
  return std::vector<AttemptRow>(rows.begin(), rows.end());
}

Result<void> PostgresOrderTransaction::insert_attempt(const AttemptRow& row) {
  Entry* found = KB_TRY(entry_to_change(row.order_key()));
  if (!found->order) {
    return fail(Errc::kNotFound, no_row());
  }
  if (found->attempts.contains(row.number)) {
    return fail(Errc::kConflict, taken());
  }
  PgParameters parameters = progress_of(row);
  parameters.text(row.device.text()).text(name(row.kind)).octets(row.opening);
  parameters.integer(found->order->not_after);
  writes_.push_back({.sql = sql::kInsertAttempt,
                     .parameters = std::move(parameters),
                     .attempt_of = row.order_key(),
                     .number = row.number,
                     .inserts_attempt = true});
  found->attempts.emplace(row.number, row);
  touch(row.order_key(), row.device);
  return {};
}

Result<void> PostgresOrderTransaction::update_attempt(const AttemptRow& row) {
  Entry* found = KB_TRY(entry_to_change(row.order_key()));
  const auto attempt = found->attempts.find(row.number);
  if (attempt == found->attempts.end()) {
    return fail(Errc::kNotFound, no_row());
  }
  writes_.push_back({.sql = sql::kUpdateAttempt,
                     .parameters = progress_of(row),
                     .attempt_of = row.order_key(),
                     .number = row.number});
  AttemptRow changed = row;
  changed.kind = attempt->second.kind;
  changed.device = attempt->second.device;
  changed.opening = attempt->second.opening;
  changed.sequence = attempt->second.sequence;
  attempt->second = std::move(changed);
  touch(row.order_key(), attempt->second.device);
  return {};
}

Result<std::vector<Bytes>> PostgresOrderTransaction::receipts_of(const OrderKey& order,
                                                                 AttemptNumber number) {
  const Entry* found = KB_TRY(entry(order));
  const auto receipts = found->receipts.find(number);
  return receipts == found->receipts.end() ? std::vector<Bytes>() : receipts->second;
}

Result<void> PostgresOrderTransaction::insert_receipt(const OrderKey& order,
                                                      AttemptNumber number,
                                                      std::uint32_t revision,
                                                      ByteView receipt) {
  Entry* found = KB_TRY(entry_to_change(order));
  std::vector<Bytes>& receipts = found->receipts[number];
  if (revision <= receipts.size()) {
    return fail(Errc::kConflict, taken());
  }
  PgParameters parameters;
  add_key(parameters, order);
  parameters.integer(number).integer(revision).octets(receipt);
  writes_.push_back({.sql = sql::kInsertReceipt, .parameters = std::move(parameters)});
  receipts.emplace_back(receipt.begin(), receipt.end());
  return {};
}

std::optional<std::optional<AttemptRow>> PostgresOrderTransaction::expected_work(
    const DeviceId& device, std::uint64_t after) const {
  const bool expected = std::ranges::any_of(expected_work_, [&](const auto& work) {
    return work.device == device && work.after == after;
  });
  if (!expected || changed_devices_.contains(device)) {
    return std::nullopt;
  }
  const AttemptRow* first = nullptr;
  bool of_device = false;
  for (const auto& [key, entry] : entries_) {
    if (!entry.order || entry.order->device != device) {
      continue;
    }
    of_device = true;
    const auto current = entry.attempts.find(entry.order->current_attempt);
    if (entry.locked && current != entry.attempts.end() && is_work(current->second) &&
        current->second.sequence > after &&
        (first == nullptr || current->second.sequence < first->sequence)) {
      first = &current->second;
    }
  }
  std::optional<std::optional<AttemptRow>> known;
  if (first != nullptr) {
    known.emplace(*first);
  } else if (!of_device) {
    known.emplace();
  }
  // Else an order of this device without work: it may have been the first before we had its lock,
  // and what stands behind it was not looked at.
  return known;
}

Result<std::optional<AttemptRow>> PostgresOrderTransaction::next_work(const DeviceId& device,
                                                                      std::uint64_t after) {
  KB_TRY(alive());
  if (auto known = expected_work(device, after)) {
    return std::move(*known);
  }
  KB_TRY(send_writes());
  for (int i = 0; i < kWorkTries; ++i) {
    PgParameters parameters;
    parameters.text(device.text()).integer(static_cast<std::int64_t>(after));
    const std::size_t place = add(sql::kNextWork, std::move(parameters));
    const std::vector<PgRows> answers = KB_TRY(run());
    if (answers[place].count() == 0) {
      return std::optional<AttemptRow>();
    }
    const PgRow row = answers[place].at(0);
    const OrderKey key = key_in(row);
    if (!entries_.contains(key) || !entries_[key].locked) {
      KB_TRY(load({key}, true));
    }
    const Entry& found = entries_[key];
    const auto attempt = found.attempts.find(static_cast<AttemptNumber>(row.integer(2)));
    if (attempt != found.attempts.end() && is_work(attempt->second) && found.order &&
        found.order->current_attempt == attempt->first) {
      return std::optional(attempt->second);
    }
  }
  failed_ = true;
  return std::unexpected(postgres_failure("40001"));
}

Result<std::vector<AttemptRow>> PostgresOrderTransaction::list(const Spid& provider,
                                                               std::optional<State> state,
                                                               std::uint64_t after,
                                                               std::uint32_t limit) {
  KB_TRY(alive());
  const delivery::Expectation::Listing wanted{provider, state, after, limit};
  const auto expected = std::ranges::find(expected_listings_, wanted);
  if (expected != expected_listings_.end() && !changed_providers_.contains(provider)) {
    return listings_[static_cast<std::size_t>(expected - expected_listings_.begin())];
  }
  KB_TRY(send_writes());
  PgParameters parameters;
  parameters.octets(provider.view()).integer(static_cast<std::int64_t>(after)).integer(limit);
  if (state) {
    parameters.text(delivery::name(*state));
  }
  const std::size_t place = add(state ? sql::kListOneState : sql::kListAll, std::move(parameters));
  const std::vector<PgRows> answers = KB_TRY(run());
  std::vector<AttemptRow> rows;
  for (int i = 0; i < answers[place].count(); ++i) {
    AttemptRow row = KB_TRY(read_attempt(answers[place].at(i)));
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::vector<AttemptRow>> PostgresOrderTransaction::overdue_attempts(std::int64_t now,
                                                                           std::uint32_t limit) {
  KB_TRY(alive());
  KB_TRY(send_writes());
  const std::size_t place = add(sql::kOverdueAttempts, PgParameters().integer(now).integer(limit));
  const std::vector<PgRows> answers = KB_TRY(run());
  std::vector<std::pair<OrderKey, AttemptNumber>> found;
  std::vector<OrderKey> to_load;
  for (int i = 0; i < answers[place].count(); ++i) {
    const PgRow row = answers[place].at(i);
    found.emplace_back(key_in(row), static_cast<AttemptNumber>(row.integer(2)));
    if (!entries_.contains(found.back().first) || !entries_[found.back().first].locked) {
      to_load.push_back(found.back().first);
    }
  }
  if (!to_load.empty()) {
    KB_TRY(load(to_load, true));
  }
  std::vector<AttemptRow> rows;
  for (const auto& [key, number] : found) {
    const auto attempt = entries_[key].attempts.find(number);
    if (attempt != entries_[key].attempts.end() && may_expire(attempt->second.state)) {
      rows.push_back(attempt->second);
    }
  }
  return rows;
}

Result<std::vector<OrderRow>> PostgresOrderTransaction::overdue_orders(std::int64_t now,
                                                                       std::uint32_t limit) {
  KB_TRY(alive());
  KB_TRY(send_writes());
  const std::size_t place = add(sql::kOverdueOrders, PgParameters().integer(now).integer(limit));
  const std::vector<PgRows> answers = KB_TRY(run());
  std::vector<OrderRow> rows;
  for (int i = 0; i < answers[place].count(); ++i) {
    OrderRow row = KB_TRY(read_order(answers[place].at(i)));
    Entry& known = entries_[row.key()];
    if (!known.locked) {
      known = Entry{.order = row, .locked = true};  // it has no attempt yet
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace kagibin::store
