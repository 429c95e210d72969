// SPDX-License-Identifier: Apache-2.0
#include "tests/support/memory_journal.h"

#include <algorithm>

namespace kagibin::test {

using delivery::AttemptNumber;
using delivery::JournalAttempt;
using delivery::JournalEntry;
using delivery::JournalOrder;
using delivery::JournalStep;
using delivery::OrderId;

namespace {

bool is_received(JournalStep step) {
  return step == JournalStep::kAnswer || step == JournalStep::kReceipt;
}

bool same(const JournalOrder& left, const JournalOrder& right) {
  return left.device == right.device && left.seid == right.seid && left.target == right.target &&
         left.not_after == right.not_after && left.annotation == right.annotation;
}

std::pair<std::string, Bytes> record_name(std::string_view kind, ByteView key) {
  return {std::string(kind), Bytes(key.begin(), key.end())};
}

}  // namespace

Result<void> MemoryJournal::change() {
  ++changes_;
  if (fails_in_ == 0) {
    return {};
  }
  --fails_in_;
  if (fails_in_ == 0) {
    return fail(Errc::kNoSpace, "the disk is full");
  }
  return {};
}

Result<JournalOrder*> MemoryJournal::order_named(const OrderId& order) {
  const auto found = places_.find(order);
  if (found == places_.end()) {
    return fail(Errc::kNotFound, "the journal has no order of this name");
  }
  return &state_.orders.at(found->second);
}

void MemoryJournal::restore(const State& state) {
  state_ = state;
  index();
}

void MemoryJournal::index() {
  places_.clear();
  seqs_.clear();
  unacknowledged_.clear();
  for (std::size_t place = 0; place < state_.orders.size(); ++place) {
    const JournalOrder& order = state_.orders[place];
    places_.emplace(order.id, place);
    std::uint32_t& seq = seqs_[{order.seid, order.target}];
    seq = std::max(seq, order.seq);
  }
  for (const auto& [name, entry] : state_.entries) {
    if (!entry.acknowledged) {
      unacknowledged_.emplace(state_.positions.at(name), name);
    }
  }
}

Result<JournalOrder> MemoryJournal::open_order(const JournalOrder& order) {
  if (const auto known = order_named(order.id)) {
    if (!same(**known, order)) {
      return fail(Errc::kConflict, "the journal has another order of this name");
    }
    return **known;
  }
  KB_TRY(change());
  JournalOrder row = order;
  row.seq = ++seqs_[{row.seid, row.target}];
  row.state = delivery::State::kOrdered;
  row.current_attempt = 0;
  places_.emplace(row.id, state_.orders.size());
  state_.orders.push_back(row);
  return row;
}

Result<std::optional<JournalOrder>> MemoryJournal::find_order(const OrderId& order) {
  const auto found = order_named(order);
  return found ? std::optional<JournalOrder>(**found) : std::nullopt;
}

Result<std::vector<JournalOrder>> MemoryJournal::orders(std::optional<delivery::State> state,
                                                        std::uint32_t limit) {
  std::vector<JournalOrder> out;
  for (const JournalOrder& order : state_.orders) {
    if ((!state || order.state == *state) && out.size() < limit) {
      out.push_back(order);
    }
  }
  return out;
}

Result<std::vector<OrderId>> MemoryJournal::overdue_orders(std::int64_t now, std::uint32_t limit) {
  std::multimap<std::int64_t, OrderId> overdue;
  for (const JournalOrder& order : state_.orders) {
    const bool waits =
        order.state == delivery::State::kOrdered || order.state == delivery::State::kSealed;
    if (waits && order.not_after < now) {
      overdue.emplace(order.not_after, order.id);
    }
  }
  std::vector<OrderId> out;
  for (const auto& [not_after, order] : overdue) {
    if (out.size() < limit) {
      out.push_back(order);
    }
  }
  return out;
}

Result<void> MemoryJournal::set_state(const OrderId& order, delivery::State state) {
  JournalOrder* row = KB_TRY(order_named(order));
  KB_TRY(change());
  row->state = state;
  return {};
}

Result<JournalAttempt> MemoryJournal::open_attempt(const JournalAttempt& attempt) {
  const auto known = state_.attempts.find({attempt.order, attempt.number});
  if (known != state_.attempts.end()) {
    if (known->second.nonce_a != attempt.nonce_a) {
      return fail(Errc::kConflict, "the journal has another attempt of this number");
    }
    return known->second;
  }
  JournalOrder* row = KB_TRY(order_named(attempt.order));
  if (attempt.number != row->current_attempt + 1) {
    return fail(Errc::kConflict, "attempts are numbered without gaps");
  }
  KB_TRY(change());
  row->current_attempt = attempt.number;
  state_.attempts.emplace(std::pair(attempt.order, attempt.number), attempt);
  return attempt;
}

Result<std::optional<JournalAttempt>> MemoryJournal::find_attempt(const OrderId& order,
                                                                  AttemptNumber number) {
  const auto found = state_.attempts.find({order, number});
  return found == state_.attempts.end() ? std::nullopt
                                        : std::optional<JournalAttempt>(found->second);
}

Result<void> MemoryJournal::set_receipt_key(const OrderId& order,
                                            AttemptNumber number,
                                            ByteView sealed_receipt_key) {
  const auto found = state_.attempts.find({order, number});
  if (found == state_.attempts.end()) {
    return fail(Errc::kNotFound, "the journal has no attempt of this number");
  }
  if (equal(found->second.sealed_receipt_key, sealed_receipt_key)) {
    return {};
  }
  const auto request = state_.entries.find({order, number, JournalStep::kRequest});
  if (state_.entries.contains({order, number, JournalStep::kDelivery}) ||
      (request != state_.entries.end() && delivery::is_envelope(request->second.message))) {
    return fail(Errc::kConflict, "the envelope of this attempt is sealed already");
  }
  KB_TRY(change());
  found->second.sealed_receipt_key.assign(sealed_receipt_key.begin(), sealed_receipt_key.end());
  return {};
}

Result<void> MemoryJournal::record(const OrderId& order,
                                   AttemptNumber attempt,
                                   JournalStep step,
                                   ByteView message) {
  KB_TRY(order_named(order));
  const EntryName name{order, attempt, step};
  const auto known = state_.entries.find(name);
  if (known != state_.entries.end()) {
    if (equal(known->second.message, message)) {
      return {};
    }
    const bool replaceable = step == JournalStep::kReceipt ||
                             (step == JournalStep::kVerdict && known->second.acknowledged);
    if (!replaceable) {
      return fail(Errc::kConflict, "the journal has another message for this step");
    }
  }
  KB_TRY(change());
  state_.entries.insert_or_assign(name,
                                  JournalEntry{.order = order,
                                               .attempt = attempt,
                                               .step = step,
                                               .message = Bytes(message.begin(), message.end()),
                                               .acknowledged = is_received(step)});
  const auto position = state_.positions.emplace(name, ++state_.position).first;
  if (!is_received(step)) {
    unacknowledged_.emplace(position->second, name);
  }
  return {};
}

Result<void> MemoryJournal::acknowledge(const OrderId& order,
                                        AttemptNumber attempt,
                                        JournalStep step) {
  const auto found = state_.entries.find({order, attempt, step});
  if (found == state_.entries.end()) {
    return fail(Errc::kNotFound, "the journal has no row of this name");
  }
  KB_TRY(change());
  found->second.acknowledged = true;
  unacknowledged_.erase(state_.positions.at(found->first));
  return {};
}

Result<std::optional<JournalEntry>> MemoryJournal::find_entry(const OrderId& order,
                                                              AttemptNumber attempt,
                                                              JournalStep step) {
  const auto found = state_.entries.find({order, attempt, step});
  return found == state_.entries.end() ? std::nullopt : std::optional<JournalEntry>(found->second);
}

Result<std::vector<JournalEntry>> MemoryJournal::unacknowledged() {
  std::vector<JournalEntry> out;
  out.reserve(unacknowledged_.size());
  for (const auto& [position, name] : unacknowledged_) {
    out.push_back(state_.entries.at(name));
  }
  return out;
}

Result<void> MemoryJournal::put_record(std::string_view kind, ByteView key, ByteView value) {
  KB_TRY(change());
  state_.records[record_name(kind, key)] = Bytes(value.begin(), value.end());
  return {};
}

Result<void> MemoryJournal::claim_record(std::string_view kind, ByteView key, ByteView value) {
  const auto known = state_.records.find(record_name(kind, key));
  if (known != state_.records.end()) {
    return equal(known->second, value)
               ? Result<void>()
               : fail(Errc::kConflict, "the journal has another record of this name");
  }
  return put_record(kind, key, value);
}

Result<std::optional<Bytes>> MemoryJournal::find_record(std::string_view kind, ByteView key) {
  const bool is_last = look_ == 1;
  look_ -= look_ == 0 ? 0 : 1;
  if (is_last) {
    std::exchange(other_, {})();
  }
  const auto found = state_.records.find(record_name(kind, key));
  return found == state_.records.end() ? std::nullopt : std::optional<Bytes>(found->second);
}

Result<std::vector<std::pair<Bytes, Bytes>>> MemoryJournal::records(std::string_view kind) {
  std::vector<std::pair<Bytes, Bytes>> out;
  for (auto one = state_.records.lower_bound(record_name(kind, {}));
       one != state_.records.end() && one->first.first == kind; ++one) {
    out.emplace_back(one->first.second, one->second);
  }
  return out;
}

Result<void> MemoryJournal::begin_batch() {
  before_batch_ = state_;
  return {};
}

Result<void> MemoryJournal::commit_batch() {
  KB_TRY(change());
  before_batch_.reset();
  return {};
}

void MemoryJournal::roll_back_batch() {
  if (before_batch_) {
    restore(*std::exchange(before_batch_, std::nullopt));
  }
}

}  // namespace kagibin::test
