// SPDX-License-Identifier: Apache-2.0
// What goes between a transaction and the server: reads together, changes together, the commit.
#include <algorithm>
#include <utility>

#include "kagibin/store/orders/order_rows.h"
#include "kagibin/store/postgres/order_statements.h"
#include "kagibin/store/postgres/order_transaction_postgres.h"
#include "kagibin/store/postgres/pg_failure.h"

namespace kagibin::store {

using delivery::AttemptRow;
using delivery::Expectation;
using delivery::OrderKey;
using delivery::OrderRow;

namespace {

constexpr std::size_t kMaxNotification = 7'000;  // octets; PostgreSQL takes 7,999

// Two arrays: providers and names.
PgParameters arrays_of(const std::vector<OrderKey>& keys) {
  std::vector<ByteView> providers;
  std::vector<std::string_view> names;
  for (const OrderKey& key : keys) {
    providers.push_back(key.provider.view());
    names.push_back(key.id.text());
  }
  PgParameters out;
  out.octet_strings(providers).texts(names);
  return out;
}

PgParameters arrays_of(const std::vector<OrderKey>& keys,
                       const std::vector<Expectation::Work>& of) {
  std::vector<std::string_view> devices;
  std::vector<std::int64_t> after;
  for (const Expectation::Work& work : of) {
    devices.push_back(work.device.text());
    after.push_back(static_cast<std::int64_t>(work.after));
  }
  PgParameters out = arrays_of(keys);
  out.texts(devices).integers(after);
  return out;
}

template <typename Key>
std::vector<Key> sorted(std::vector<Key> keys) {
  std::ranges::sort(keys);
  const auto repeated = std::ranges::unique(keys);
  keys.erase(repeated.begin(), repeated.end());
  return keys;
}

Result<OrderKey> read_key(const PgRow& row) {
  const Spid provider = KB_TRY(Spid::from(row.octets(0)));
  const delivery::OrderId id = KB_TRY(delivery::OrderId::from(row.text(1)));
  return OrderKey{.provider = provider, .id = id};
}

}  // namespace

PostgresOrderTransaction::~PostgresOrderTransaction() {
  if (began_ && !ended_ && db_.alive()) {
    db_.add("ROLLBACK");
    static_cast<void>(db_.run_until_failure());
  }
  open_ = false;
}

Result<void> PostgresOrderTransaction::alive() const {
  if (failed_ || ended_) {
    return fail(Errc::kStore, "the transaction ended with an earlier failure");
  }
  return {};
}

std::size_t PostgresOrderTransaction::add(std::string_view sql, PgParameters parameters) {
  if (!began_) {
    db_.add("BEGIN");
    began_ = true;
  }
  return db_.add(sql, std::move(parameters));
}

Result<std::vector<PgRows>> PostgresOrderTransaction::run() {
  auto answers = db_.run();
  failed_ = failed_ || !answers;
  return answers;
}

void PostgresOrderTransaction::add_reads(const std::vector<OrderKey>& keys) {
  add(sql::kReadAttempts, arrays_of(keys));
  add(sql::kReadReceipts, arrays_of(keys));
}

Result<void> PostgresOrderTransaction::take_orders(const PgRows& rows, bool locked) {
  for (int i = 0; i < rows.count(); ++i) {
    OrderRow order = KB_TRY(read_order(rows.at(i)));
    Entry& entry = entries_[order.key()];
    entry.order = std::move(order);
    entry.locked = entry.locked || locked;
  }
  return {};
}

Result<void> PostgresOrderTransaction::take_attempts(const PgRows& attempts,
                                                     const PgRows& receipts) {
  for (int i = 0; i < attempts.count(); ++i) {
    AttemptRow attempt = KB_TRY(read_attempt(attempts.at(i)));
    Entry& entry = entries_[attempt.order_key()];
    entry.attempts.insert_or_assign(attempt.number, std::move(attempt));
  }
  for (int i = 0; i < receipts.count(); ++i) {
    const PgRow row = receipts.at(i);
    const OrderKey key = KB_TRY(read_key(row));
    const ByteView receipt = row.octets(3);
    entries_[key].receipts[static_cast<delivery::AttemptNumber>(row.integer(2))].emplace_back(
        receipt.begin(), receipt.end());
  }
  return {};
}

Result<void> PostgresOrderTransaction::load(const std::vector<OrderKey>& keys, bool lock) {
  const std::vector<OrderKey> in_order = sorted(keys);
  for (const OrderKey& key : in_order) {
    entries_[key] = Entry{.locked = lock};
  }
  const std::size_t orders = lock ? add(sql::kLockOrders, arrays_of(in_order, {}))
                                  : add(sql::kReadOrders, arrays_of(in_order));
  add_reads(in_order);
  const std::vector<PgRows> answers = KB_TRY(run());
  KB_TRY(take_orders(answers[orders], lock));
  return take_attempts(answers[orders + 1], answers[orders + 2]);
}

Result<void> PostgresOrderTransaction::expect(const Expectation& expectation) {
  KB_TRY(alive());
  if (!entries_.empty() || !writes_.empty()) {
    return fail(Errc::kState, "what a transaction reads is told at its beginning");
  }
  const std::vector<OrderKey> changed = sorted(expectation.changed);
  std::vector<OrderKey> read = sorted(expectation.read);
  std::erase_if(read,
                [&](const OrderKey& key) { return std::ranges::binary_search(changed, key); });
  std::vector<OrderKey> all = changed;
  all.insert(all.end(), read.begin(), read.end());
  const std::vector<Spid> tenants = sorted(expectation.tenants);
  const std::vector<delivery::AnswerName> answer_names = sorted(expectation.answers);
  if (all.empty() && expectation.work.empty() && expectation.listings.empty() && tenants.empty() &&
      answer_names.empty()) {
    return {};
  }
  if (expectation.hold_tenants && !tenants.empty()) {
    hold_tenants(tenants);
  }
  const std::size_t locks = add(sql::kLockOrders, arrays_of(changed, expectation.work));
  const std::size_t reads = add(sql::kReadOrders, arrays_of(read));
  add_reads(all);
  std::vector<std::size_t> listed;
  for (const Expectation::Listing& listing : expectation.listings) {
    PgParameters parameters;
    parameters.octets(listing.provider.view()).integer(static_cast<std::int64_t>(listing.after));
    parameters.integer(listing.limit);
    if (listing.state) {
      parameters.text(delivery::name(*listing.state));
    }
    listed.push_back(
        add(listing.state ? sql::kListOneState : sql::kListAll, std::move(parameters)));
  }
  std::optional<std::size_t> limits;
  if (!tenants.empty()) {
    limits = add_tenant_reads(tenants);
  }
  std::optional<std::size_t> kept;
  if (!answer_names.empty()) {
    kept = add_answer_reads(answer_names);
  }
  const std::vector<PgRows> answers = KB_TRY(run());
  if (limits) {
    KB_TRY(take_tenants(tenants, answers[*limits]));
  }
  if (kept) {
    KB_TRY(take_answers(answer_names, answers[*kept], answers[*kept + 1]));
  }
  for (const OrderKey& key : changed) {
    entries_[key].locked = true;
  }
  for (const OrderKey& key : read) {
    entries_[key].locked = false;
  }
  KB_TRY(take_orders(answers[locks], true));
  std::vector<OrderKey> with_work;
  for (const auto& [key, entry] : entries_) {
    if (entry.locked && !std::ranges::binary_search(changed, key)) {
      with_work.push_back(key);
    }
  }
  KB_TRY(take_orders(answers[reads], false));
  KB_TRY(take_attempts(answers[reads + 1], answers[reads + 2]));
  for (const std::size_t place : listed) {
    std::vector<AttemptRow>& rows = listings_.emplace_back();
    for (int i = 0; i < answers[place].count(); ++i) {
      AttemptRow row = KB_TRY(read_attempt(answers[place].at(i)));
      rows.push_back(std::move(row));
    }
  }
  expected_listings_ = expectation.listings;
  expected_work_ = expectation.work;
  if (with_work.empty()) {
    return {};
  }
  // Their locks are held: what is read now stays.
  for (const OrderKey& key : with_work) {
    entries_[key].attempts.clear();
    entries_[key].receipts.clear();
  }
  add_reads(with_work);
  const std::vector<PgRows> more = KB_TRY(run());
  return take_attempts(more[0], more[1]);
}

// Tenants with limits come first and counters next, in one order for all distributors.
PostgresOrderTransaction::Sent PostgresOrderTransaction::add_writes(bool with_mark) {
  Sent sent;
  // An undo goes before all that must not be undone with it.
  std::size_t first = 0;
  if (undoes_sent_) {
    sent.writes.push_back(add(writes_[first++].sql));
  }
  add_tenant_locks(with_mark);
  std::map<Spid, std::int64_t> left;
  for (const Write& write : writes_) {
    if (write.attempt_of) {
      ++left[write.attempt_of->provider];
    }
  }
  for (const auto& [provider, count] : left) {
    sent.counters[provider] =
        add(sql::kCountChanges, PgParameters().octets(provider.view()).integer(count));
  }
  CountChanges counts;
  Spending spending;
  for (std::size_t i = first; i < writes_.size(); ++i) {
    if (with_mark && marked_ && !mark_sent_ && i == mark_at_) {
      add_counts(counts);
      add_spending(spending);
      add("SAVEPOINT request");
      mark_sent_ = true;
    }
    Write& write = writes_[i];
    if (write.spend) {
      Spent& spent = spending[write.spend->provider];
      ++spent.orders;
      spent.opened += write.spend->opens ? 1 : 0;
      sent.writes.push_back(0);
      continue;
    }
    if (write.attempt_of) {
      write.parameters.integer(--left[write.attempt_of->provider]);
    }
    sent.writes.push_back(add(write.sql, write.parameters));
    count(write, counts);
  }
  add_counts(counts);
  add_spending(spending);
  return sent;
}

Result<void> PostgresOrderTransaction::send_writes() {
  if (writes_.empty()) {
    return {};
  }
  const Sent sent = add_writes(true);
  const std::vector<PgRows> answers = KB_TRY(run());
  // The numbers that the server gave.
  std::map<Spid, std::int64_t> counts;
  for (const Write& write : writes_) {
    if (write.attempt_of) {
      ++counts[write.attempt_of->provider];
    }
  }
  std::map<Spid, std::int64_t> last;
  for (const auto& [provider, place] : sent.counters) {
    last[provider] = answers[place].at(0).integer(0);
  }
  for (std::size_t i = 0; i < writes_.size(); ++i) {
    const Write& write = writes_[i];
    if (!write.attempt_of) {
      continue;
    }
    AttemptRow& attempt = entries_[*write.attempt_of].attempts.at(write.number);
    attempt.change = static_cast<std::uint64_t>(last[write.attempt_of->provider] -
                                                --counts[write.attempt_of->provider]);
    if (write.inserts_attempt) {
      attempt.sequence = static_cast<std::uint64_t>(answers[sent.writes[i]].at(0).integer(0));
    }
  }
  writes_.clear();
  read_counts_.clear();
  read_tenants_.clear();
  read_phases_.clear();
  undoes_sent_ = false;
  mark_at_ = 0;
  return {};
}

Result<void> PostgresOrderTransaction::mark() {
  KB_TRY(alive());
  if (mark_sent_) {
    writes_.push_back({.sql = "RELEASE request"});
    mark_sent_ = false;
  }
  marked_ = true;
  mark_at_ = writes_.size();
  audit_mark_ = audit_entries_.size();
  history_mark_ = history_.size();
  campaigns_at_mark_ = campaigns_;
  changed_at_mark_ = changed_campaigns_;
  new_answers_mark_ = new_answers_.size();
  before_mark_.clear();
  return {};
}

Result<void> PostgresOrderTransaction::roll_back_to_mark() {
  KB_TRY(alive());
  if (!marked_) {
    return fail(Errc::kState, "a transaction without a mark");
  }
  if (mark_sent_) {
    read_counts_.clear();
    read_tenants_.clear();
    read_phases_.clear();
    writes_.clear();
    writes_.push_back({.sql = "ROLLBACK TO request"});
    undoes_sent_ = true;
    locked_tenants_.clear();  // the server may have let go of them
  } else {
    writes_.erase(writes_.begin() + static_cast<std::ptrdiff_t>(mark_at_), writes_.end());
  }
  for (auto& [key, entry] : before_mark_) {
    entries_.insert_or_assign(key, std::move(entry));
  }
  before_mark_.clear();
  audit_entries_.resize(audit_mark_);
  history_.erase(history_.begin() + static_cast<std::ptrdiff_t>(history_mark_), history_.end());
  campaigns_ = campaigns_at_mark_;
  changed_campaigns_ = changed_at_mark_;
  new_answers_.resize(new_answers_mark_);
  return {};
}

void PostgresOrderTransaction::announce(const std::vector<std::string>& topics) {
  topics_.insert(topics.begin(), topics.end());
}

// Behind the commit, as a transaction of its own: NOTIFY takes a lock of the whole server, which
// must not be held while a commit waits for the disk. Should the server die in between, every
// distributor loses its session and asks for everything again.
void PostgresOrderTransaction::add_announcements() {
  std::string lines;
  const auto send = [&] {
    if (!lines.empty()) {
      db_.add("SELECT pg_notify('kagibin_news', $1)", PgParameters().text(lines));
      lines.clear();
    }
  };
  for (const std::string& topic : topics_) {
    if (lines.size() + topic.size() + 1 > kMaxNotification) {
      send();
    }
    lines += (lines.empty() ? "" : "\n") + topic;
  }
  send();
}

Result<void> PostgresOrderTransaction::commit() {
  KB_TRY(alive());
  if (!began_ && writes_.empty() && audit_entries_.empty() && history_.empty() &&
      new_answers_.empty()) {
    ended_ = true;
    return {};
  }
  add_writes(false);
  add_history();
  add_entries();
  add_answers();
  const std::size_t place = add("COMMIT");
  add_announcements();
  const PgConnection::Outcome outcome = db_.run_until_failure();
  if (outcome.rows.size() > place && outcome.rows[place].what_was_done() == "COMMIT") {
    ended_ = true;
    return {};
  }
  failed_ = true;
  return std::unexpected(db_.alive() && outcome.failure ? *outcome.failure : commit_in_doubt());
}

}  // namespace kagibin::store
