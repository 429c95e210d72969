// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/journal_store_sqlite.h"

#include <optional>
#include <utility>

#include "kagibin/base/crash_point.h"
#include "kagibin/store/database.h"
#include "kagibin/store/journal_rows.h"
#include "kagibin/store/journal_schema.h"

namespace kagibin::store {
namespace {

using delivery::AttemptNumber;
using delivery::JournalAttempt;
using delivery::JournalEntry;
using delivery::JournalOrder;
using delivery::JournalStep;
using delivery::OrderId;
using delivery::State;

constexpr std::size_t kMaxAnnotation = 65'536;
constexpr std::size_t kMaxKind = 64;

constexpr std::string_view kAllOrders =
    "SELECT " KB_JOURNAL_ORDER_COLUMNS " FROM orders ORDER BY position LIMIT ?1";
constexpr std::string_view kOrdersInState =
    "SELECT " KB_JOURNAL_ORDER_COLUMNS " FROM orders WHERE state = ?2 ORDER BY position LIMIT ?1";

Bytes copy(ByteView octets) { return {octets.begin(), octets.end()}; }

bool is_received(JournalStep step) {
  return step == JournalStep::kAnswer || step == JournalStep::kReceipt;
}

class SqliteJournalStore final : public delivery::JournalStore {
 public:
  explicit SqliteJournalStore(Database db) : db_(std::move(db)) {}

  Result<JournalOrder> open_order(const JournalOrder& wanted) override {
    if (wanted.annotation.size() > kMaxAnnotation) {
      return fail(Errc::kLimit, "an order's annotation has at most 64 KiB");
    }
    KB_TRY(check_batch());
    Transaction transaction = KB_TRY(Transaction::begin(db_));
    const std::optional<JournalOrder> stored = KB_TRY(find_order(wanted.id));
    if (stored) {
      const bool same = stored->device == wanted.device && stored->seid == wanted.seid &&
                        stored->target == wanted.target && stored->not_after == wanted.not_after &&
                        stored->annotation == wanted.annotation;
      if (!same) {
        return fail(Errc::kConflict, "the journal has another order of this name");
      }
      return *stored;
    }
    JournalOrder order = wanted;
    order.seq = KB_TRY(next_seq(order.seid, order.target));
    order.state = State::kOrdered;
    order.current_attempt = 0;
    KB_TRY(insert(order));
    KB_CRASH_POINT("journal.order.before_commit");
    KB_TRY(transaction.commit());
    KB_CRASH_POINT("journal.order.after_commit");
    return order;
  }

  Result<std::optional<JournalOrder>> find_order(const OrderId& order) override {
    Query query =
        KB_TRY(db_.query("SELECT " KB_JOURNAL_ORDER_COLUMNS " FROM orders WHERE id = ?1"));
    query.bind(1, std::string_view(order.text()));
    return first_row(query, read_journal_order);
  }

  Result<std::vector<JournalOrder>> orders(std::optional<State> state,
                                           std::uint32_t limit) override {
    Query query = KB_TRY(db_.query(state ? kOrdersInState : kAllOrders));
    query.bind(1, static_cast<std::int64_t>(limit));
    if (state) {
      query.bind(2, delivery::name(*state));
    }
    return all_rows(query, read_journal_order);
  }

  Result<std::vector<OrderId>> overdue_orders(std::int64_t now, std::uint32_t limit) override {
    Query query = KB_TRY(
        db_.query("SELECT id FROM orders WHERE state IN ('ordered', 'sealed') AND not_after < ?1 "
                  "ORDER BY not_after LIMIT ?2"));
    query.bind(1, now).bind(2, static_cast<std::int64_t>(limit));
    return all_rows<OrderId>(query, [](const Query& row) { return OrderId::from(row.text(0)); });
  }

  Result<void> set_state(const OrderId& order, State state) override {
    KB_TRY(check_batch());
    Query query = KB_TRY(db_.query("UPDATE orders SET state = ?2 WHERE id = ?1"));
    query.bind(1, std::string_view(order.text()));
    query.bind(2, delivery::name(state));
    KB_CRASH_POINT("journal.state.before_commit");
    KB_TRY(query.run());
    KB_CRASH_POINT("journal.state.after_commit");
    return one_row_changed();
  }

  Result<JournalAttempt> open_attempt(const JournalAttempt& wanted) override {
    KB_TRY(check_batch());
    Transaction transaction = KB_TRY(Transaction::begin(db_));
    const std::optional<JournalAttempt> stored = KB_TRY(find_attempt(wanted.order, wanted.number));
    if (stored) {
      if (stored->nonce_a != wanted.nonce_a) {
        return fail(Errc::kConflict, "the journal has another attempt of this number");
      }
      return *stored;
    }
    const std::optional<JournalOrder> order = KB_TRY(find_order(wanted.order));
    if (!order) {
      return fail(Errc::kNotFound, "the journal has no order of this name");
    }
    if (wanted.number != order->current_attempt + 1 || wanted.number > delivery::kMaxAttempts) {
      return fail(Errc::kConflict, "attempts are numbered without gaps");
    }
    KB_TRY(insert(wanted));
    KB_CRASH_POINT("journal.attempt.before_commit");
    KB_TRY(transaction.commit());
    KB_CRASH_POINT("journal.attempt.after_commit");
    return wanted;
  }

  Result<std::optional<JournalAttempt>> find_attempt(const OrderId& order,
                                                     AttemptNumber number) override {
    Query query = KB_TRY(db_.query("SELECT " KB_JOURNAL_ATTEMPT_COLUMNS
                                   " FROM attempts WHERE order_id = ?1 AND number = ?2"));
    query.bind(1, std::string_view(order.text()));
    query.bind(2, static_cast<std::int64_t>(number));
    return first_row(query, read_journal_attempt);
  }

  Result<void> set_receipt_key(const OrderId& order,
                               AttemptNumber number,
                               ByteView sealed_receipt_key) override {
    KB_TRY(check_batch());
    Transaction transaction = KB_TRY(Transaction::begin(db_));
    const auto stored = KB_TRY(find_attempt(order, number));
    if (stored && equal(stored->sealed_receipt_key, sealed_receipt_key)) {
      return {};
    }
    if (KB_TRY(has_envelope(order, number))) {
      return fail(Errc::kConflict, "the envelope of this attempt is sealed already");
    }
    {
      Query query =
          KB_TRY(db_.query("UPDATE attempts SET sealed_receipt_key = ?3 "
                           "WHERE order_id = ?1 AND number = ?2"));
      query.bind(1, std::string_view(order.text()));
      query.bind(2, static_cast<std::int64_t>(number));
      query.bind(3, sealed_receipt_key);
      KB_TRY(query.run());
      KB_TRY(one_row_changed());
    }
    KB_CRASH_POINT("journal.receipt_key.before_commit");
    KB_TRY(transaction.commit());
    KB_CRASH_POINT("journal.receipt_key.after_commit");
    return {};
  }

  Result<void> record(const OrderId& order,
                      AttemptNumber attempt,
                      JournalStep step,
                      ByteView message) override {
    KB_TRY(check_batch());
    Transaction transaction = KB_TRY(Transaction::begin(db_));
    const std::optional<JournalEntry> stored = KB_TRY(find_entry(order, attempt, step));
    if (stored && equal(stored->message, message)) {
      return {};
    }
    const bool replaceable = step == JournalStep::kReceipt ||
                             (step == JournalStep::kVerdict && stored && stored->acknowledged);
    if (stored && !replaceable) {
      return fail(Errc::kConflict, "the journal has another message for this step");
    }
    KB_TRY(write(order, attempt, step, message));
    KB_CRASH_POINT("journal.record.before_commit");
    KB_TRY(transaction.commit());
    KB_CRASH_POINT("journal.record.after_commit");
    return {};
  }

  Result<void> acknowledge(const OrderId& order, AttemptNumber attempt, JournalStep step) override {
    KB_TRY(check_batch());
    Query query =
        KB_TRY(db_.query("UPDATE entries SET acknowledged = 1 "
                         "WHERE order_id = ?1 AND attempt = ?2 AND step = ?3"));
    query.bind(1, std::string_view(order.text()));
    query.bind(2, static_cast<std::int64_t>(attempt));
    query.bind(3, delivery::name(step));
    KB_CRASH_POINT("journal.acknowledge.before_commit");
    KB_TRY(query.run());
    KB_CRASH_POINT("journal.acknowledge.after_commit");
    return one_row_changed();
  }

  Result<std::optional<JournalEntry>> find_entry(const OrderId& order,
                                                 AttemptNumber attempt,
                                                 JournalStep step) override {
    Query query = KB_TRY(db_.query("SELECT " KB_JOURNAL_ENTRY_COLUMNS " FROM entries "
                                   "WHERE order_id = ?1 AND attempt = ?2 AND step = ?3"));
    query.bind(1, std::string_view(order.text()));
    query.bind(2, static_cast<std::int64_t>(attempt));
    query.bind(3, delivery::name(step));
    return first_row(query, read_journal_entry);
  }

  Result<std::vector<JournalEntry>> unacknowledged() override {
    Query query = KB_TRY(db_.query("SELECT " KB_JOURNAL_ENTRY_COLUMNS " FROM entries "
                                   "WHERE acknowledged = 0 ORDER BY position"));
    return all_rows(query, read_journal_entry);
  }

  Result<void> put_record(std::string_view kind, ByteView key, ByteView value) override {
    KB_TRY(check_batch());
    KB_TRY(check_kind(kind));
    Query query =
        KB_TRY(db_.query("INSERT INTO records(kind, key, value) VALUES (?1, ?2, ?3) "
                         "ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value"));
    query.bind(1, kind).bind(2, key).bind(3, value);
    KB_CRASH_POINT("journal.put_record.before_commit");
    KB_TRY(query.run());
    KB_CRASH_POINT("journal.put_record.after_commit");
    return {};
  }

  Result<void> claim_record(std::string_view kind, ByteView key, ByteView value) override {
    KB_TRY(check_kind(kind));
    KB_TRY(check_batch());
    Transaction transaction = KB_TRY(Transaction::begin(db_));
    const std::optional<Bytes> stored = KB_TRY(find_record(kind, key));
    if (stored) {
      if (!equal(*stored, value)) {
        return fail(Errc::kConflict, "the journal has another record of this name");
      }
      return {};
    }
    KB_TRY(put_record(kind, key, value));
    return transaction.commit();
  }

  Result<std::optional<Bytes>> find_record(std::string_view kind, ByteView key) override {
    Query query = KB_TRY(db_.query("SELECT value FROM records WHERE kind = ?1 AND key = ?2"));
    query.bind(1, kind).bind(2, key);
    const bool found = KB_TRY(query.step());
    return found ? std::optional<Bytes>(copy(query.octets(0))) : std::nullopt;
  }

  Result<std::vector<std::pair<Bytes, Bytes>>> records(std::string_view kind) override {
    Query query = KB_TRY(db_.query("SELECT key, value FROM records WHERE kind = ?1 ORDER BY key"));
    query.bind(1, kind);
    std::vector<std::pair<Bytes, Bytes>> rows;
    for (bool more = KB_TRY(query.step()); more; more = KB_TRY(query.step())) {
      rows.emplace_back(copy(query.octets(0)), copy(query.octets(1)));
    }
    return rows;
  }

  // After some failures of the disk SQLite rolls back by itself: what came behind that within the
  // batch would stand alone.
  Result<void> begin_batch() override {
    Transaction transaction = KB_TRY(Transaction::begin(db_));
    batch_.emplace(std::move(transaction));
    return {};
  }

  Result<void> commit_batch() override {
    KB_TRY(check_batch());
    KB_CRASH_POINT("journal.batch.before_commit");
    KB_TRY(batch_->commit());
    KB_CRASH_POINT("journal.batch.after_commit");
    batch_.reset();
    return {};
  }

  void roll_back_batch() override { batch_.reset(); }

 private:
  Result<void> check_batch() const {
    if (batch_ && !db_.in_transaction()) {
      return fail(Errc::kStore, "an earlier failure rolled the batch back; nothing was changed");
    }
    return {};
  }

  Result<bool> has_envelope(const OrderId& order, AttemptNumber number) {
    const auto sealed = KB_TRY(find_entry(order, number, JournalStep::kDelivery));
    const auto request = KB_TRY(find_entry(order, number, JournalStep::kRequest));
    return sealed || (request && delivery::is_envelope(request->message));
  }

  static Result<void> check_kind(std::string_view kind) {
    if (kind.empty() || kind.size() > kMaxKind) {
      return fail(Errc::kInvalidArgument, "a kind of record has 1 to 64 characters");
    }
    return {};
  }

  Result<void> one_row_changed() const {
    if (db_.changes() != 1) {
      return fail(Errc::kNotFound, "the journal has no row of this name");
    }
    return {};
  }

  Result<std::uint32_t> next_seq(const Seid& seid, const Aid& target) {
    Query query = KB_TRY(
        db_.query("SELECT coalesce(max(seq), 0) FROM orders WHERE seid = ?1 AND target = ?2"));
    query.bind(1, seid.view()).bind(2, target.view());
    KB_TRY(query.step());
    const std::int64_t last = query.integer(0);
    if (last >= 0xFFFFFFFF) {
      return fail(Errc::kLimit, "the SEQ of this element and target has run out");
    }
    return static_cast<std::uint32_t>(last + 1);
  }

  Result<void> insert(const JournalOrder& order) {
    Query query = KB_TRY(db_.query("INSERT INTO orders(" KB_JOURNAL_ORDER_COLUMNS
                                   ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"));
    query.bind(1, std::string_view(order.id.text()));
    query.bind(2, std::string_view(order.device.text()));
    query.bind(3, order.seid.view());
    query.bind(4, order.target.view());
    query.bind(5, order.not_after);
    query.bind(6, ByteView(order.sealed_payload));
    query.bind(7, std::string_view(order.annotation));
    query.bind(8, static_cast<std::int64_t>(order.seq));
    query.bind(9, delivery::name(order.state));
    query.bind(10, static_cast<std::int64_t>(order.current_attempt));
    query.bind(11, order.created_at);
    return query.run();
  }

  Result<void> insert(const JournalAttempt& attempt) {
    {
      Query query = KB_TRY(db_.query("INSERT INTO attempts VALUES (?1, ?2, ?3, ?4, ?5)"));
      query.bind(1, std::string_view(attempt.order.text()));
      query.bind(2, static_cast<std::int64_t>(attempt.number));
      query.bind(3, attempt.nonce_a.view());
      query.bind(4, ByteView(attempt.sealed_kem_key));
      query.bind(5, ByteView(attempt.sealed_receipt_key));
      KB_TRY(query.run());
    }
    Query query = KB_TRY(db_.query("UPDATE orders SET current_attempt = ?2 WHERE id = ?1"));
    query.bind(1, std::string_view(attempt.order.text()));
    query.bind(2, static_cast<std::int64_t>(attempt.number));
    return query.run();
  }

  Result<void> write(const OrderId& order,
                     AttemptNumber attempt,
                     JournalStep step,
                     ByteView message) {
    Query query = KB_TRY(
        db_.query("INSERT INTO entries(" KB_JOURNAL_ENTRY_COLUMNS ") "
                  "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (order_id, attempt, step) DO UPDATE SET "
                  "message = excluded.message, acknowledged = excluded.acknowledged"));
    query.bind(1, std::string_view(order.text()));
    query.bind(2, static_cast<std::int64_t>(attempt));
    query.bind(3, delivery::name(step));
    query.bind(4, message);
    query.bind(5, std::int64_t{is_received(step) ? 1 : 0});
    const Result<void> written = query.run();
    if (!written && written.error().code == Errc::kConflict) {
      return fail(Errc::kNotFound, "the journal has no order of this name");
    }
    return written;
  }

  Database db_;
  std::optional<Transaction> batch_;  // goes before the database
};

}  // namespace

Result<std::unique_ptr<delivery::JournalStore>> open_journal_store(const SqliteOptions& options) {
  Database db = KB_TRY(Database::open({.path = options.path,
                                       .application_id = kJournalApplicationId,
                                       .migrations = kJournalMigrations,
                                       .max_pages = options.max_pages,
                                       .busy_timeout_ms = options.busy_timeout_ms}));
  return std::make_unique<SqliteJournalStore>(std::move(db));
}

}  // namespace kagibin::store
