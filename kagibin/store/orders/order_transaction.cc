// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/orders/order_transaction.h"

#include <utility>

#include "kagibin/store/orders/order_rows.h"

namespace kagibin::store {

using delivery::AttemptNumber;
using delivery::AttemptRow;
using delivery::DeviceId;
using delivery::InvitationRow;
using delivery::OrderKey;
using delivery::OrderRow;
using delivery::State;

namespace {

constexpr std::string_view kListAll =
    "SELECT " KB_ATTEMPT_COLUMNS
    " FROM attempts a WHERE provider = ?1 AND change > ?2 ORDER BY change LIMIT ?3";
constexpr std::string_view kListOneState =
    "SELECT " KB_ATTEMPT_COLUMNS
    " FROM attempts a WHERE provider = ?1 AND change > ?2 AND state = ?4 ORDER BY change LIMIT ?3";

// Held and touched, at `first` and behind it.
void bind_marks(Query& query, const OrderRow& row, int first) {
  query.bind(first, static_cast<std::int64_t>(row.membership && row.membership->held ? 1 : 0));
  query.bind(first + 1,
             static_cast<std::int64_t>(row.membership && row.membership->touched ? 1 : 0));
}

}  // namespace

Result<std::optional<OrderRow>> SqliteOrderTransaction::find_order(const OrderKey& order) {
  Query query = KB_TRY(
      this->query("SELECT " KB_ORDER_COLUMNS " FROM orders WHERE provider = ?1 AND id = ?2"));
  bind_key(query, order);
  const bool found = KB_TRY(query.step());
  if (!found) {
    return std::optional<OrderRow>();
  }
  OrderRow row = KB_TRY(read_order(query));
  return std::optional<OrderRow>(std::move(row));
}

Result<void> SqliteOrderTransaction::insert_order(const OrderRow& row) {
  Query query = KB_TRY(this->query("INSERT INTO orders(" KB_ORDER_COLUMNS
                                   ") VALUES (?2, ?1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"));
  const OrderKey key = row.key();
  bind_key(query, key);
  query.bind(3, std::string_view(row.device.text()));
  query.bind(4, row.not_after);
  query.bind(5, delivery::name(row.state));
  query.bind(6, static_cast<std::int64_t>(row.current_attempt));
  query.bind(7, row.created_at);
  std::string attributes;  // the query views it
  if (row.membership) {
    attributes = delivery::attributes_text(row.membership->attributes);
    query.bind(8, std::string_view(row.membership->campaign.text()));
    query.bind(9, static_cast<std::int64_t>(row.membership->group));
    query.bind(12, std::string_view(attributes));
  }
  bind_marks(query, row, 10);
  return query.run();
}

Result<void> SqliteOrderTransaction::update_order(const OrderRow& row) {
  Query query = KB_TRY(
      this->query("UPDATE orders SET state = ?3, current_attempt = ?4, held = ?5, touched = ?6 "
                  "WHERE provider = ?1 AND id = ?2"));
  const OrderKey key = row.key();
  bind_key(query, key);
  query.bind(3, delivery::name(row.state));
  query.bind(4, static_cast<std::int64_t>(row.current_attempt));
  bind_marks(query, row, 5);
  KB_TRY(query.run());
  return one_row_changed();
}

Result<std::optional<AttemptRow>> SqliteOrderTransaction::find_attempt(const OrderKey& order,
                                                                       AttemptNumber number) {
  Query query =
      KB_TRY(this->query("SELECT " KB_ATTEMPT_COLUMNS
                         " FROM attempts a WHERE provider = ?1 AND order_id = ?2 AND number = ?3"));
  bind_key(query, order);
  query.bind(3, static_cast<std::int64_t>(number));
  return read_first_attempt(query);
}

Result<std::vector<AttemptRow>> SqliteOrderTransaction::attempts_of(const OrderKey& order) {
  Query query =
      KB_TRY(this->query("SELECT " KB_ATTEMPT_COLUMNS
                         " FROM attempts a WHERE provider = ?1 AND order_id = ?2 ORDER BY number"));
  bind_key(query, order);
  return read_attempts(query);
}

Result<void> SqliteOrderTransaction::insert_attempt(const AttemptRow& row) {
  const std::int64_t change = KB_TRY(next_change());
  Query query = KB_TRY(this->query(
      "INSERT INTO attempts(provider, order_id, number, state, answer, envelope, receipts, "
      "verdict, reason, withdrawal, change, judged, held, device, kind, opening, not_after) "
      "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, not_after "
      "FROM orders WHERE provider = ?1 AND id = ?2"));
  const OrderKey key = row.order_key();
  bind_key(query, key);
  query.bind(3, static_cast<std::int64_t>(row.number));
  bind_progress(query, row, change);
  query.bind(14, std::string_view(row.device.text()));
  query.bind(15, name(row.kind));
  query.bind(16, ByteView(row.opening));
  KB_TRY(query.run());
  return one_row_changed();
}

Result<void> SqliteOrderTransaction::update_attempt(const AttemptRow& row) {
  const std::int64_t change = KB_TRY(next_change());
  Query query = KB_TRY(this->query(
      "UPDATE attempts SET state = ?4, answer = ?5, envelope = ?6, receipts = ?7, verdict = ?8, "
      "reason = ?9, withdrawal = ?10, change = ?11, judged = ?12, held = ?13 "
      "WHERE provider = ?1 AND order_id = ?2 AND number = ?3"));
  const OrderKey key = row.order_key();
  bind_key(query, key);
  query.bind(3, static_cast<std::int64_t>(row.number));
  bind_progress(query, row, change);
  KB_TRY(query.run());
  return one_row_changed();
}

Result<std::vector<Bytes>> SqliteOrderTransaction::receipts_of(const OrderKey& order,
                                                               AttemptNumber number) {
  Query query =
      KB_TRY(this->query("SELECT receipt FROM receipts WHERE provider = ?1 AND order_id = ?2 "
                         "AND number = ?3 ORDER BY revision"));
  bind_key(query, order);
  query.bind(3, static_cast<std::int64_t>(number));
  std::vector<Bytes> receipts;
  for (bool more = KB_TRY(query.step()); more; more = KB_TRY(query.step())) {
    const ByteView receipt = query.octets(0);
    receipts.emplace_back(receipt.begin(), receipt.end());
  }
  return receipts;
}

Result<void> SqliteOrderTransaction::insert_receipt(const OrderKey& order,
                                                    AttemptNumber number,
                                                    std::uint32_t revision,
                                                    ByteView receipt) {
  Query query =
      KB_TRY(this->query("INSERT INTO receipts(provider, order_id, number, revision, receipt) "
                         "VALUES (?1, ?2, ?3, ?4, ?5)"));
  bind_key(query, order);
  query.bind(3, static_cast<std::int64_t>(number));
  query.bind(4, static_cast<std::int64_t>(revision));
  query.bind(5, receipt);
  return query.run();
}

Result<std::optional<AttemptRow>> SqliteOrderTransaction::next_work(const DeviceId& device,
                                                                    std::uint64_t after) {
  Query query = KB_TRY(
      this->query("SELECT " KB_ATTEMPT_COLUMNS
                  " FROM attempts a JOIN orders o ON o.provider = a.provider AND o.id = a.order_id "
                  "AND o.current_attempt = a.number WHERE a.device = ?1 AND a.sequence > ?2 "
                  "AND a.held = 0 AND (a.state = 'ordered' OR a.state = 'sealed' OR a.state = "
                  "'handed_over') ORDER BY a.sequence LIMIT 1"));
  query.bind(1, std::string_view(device.text()));
  query.bind(2, static_cast<std::int64_t>(after));
  return read_first_attempt(query);
}

Result<std::vector<AttemptRow>> SqliteOrderTransaction::list(const Spid& provider,
                                                             std::optional<State> state,
                                                             std::uint64_t after,
                                                             std::uint32_t limit) {
  Query query = KB_TRY(this->query(state ? kListOneState : kListAll));
  query.bind(1, provider.view());
  query.bind(2, static_cast<std::int64_t>(after));
  query.bind(3, static_cast<std::int64_t>(limit));
  if (state) {
    query.bind(4, delivery::name(*state));
  }
  return read_attempts(query);
}

Result<std::vector<AttemptRow>> SqliteOrderTransaction::overdue_attempts(std::int64_t now,
                                                                         std::uint32_t limit) {
  Query query = KB_TRY(this->query(
      "SELECT " KB_ATTEMPT_COLUMNS
      " FROM attempts a WHERE not_after < ?1 AND (state = 'ordered' OR state = 'enrolled' OR "
      "state = 'sealed' OR state = 'handed_over') ORDER BY not_after LIMIT ?2"));
  query.bind(1, now);
  query.bind(2, static_cast<std::int64_t>(limit));
  return read_attempts(query);
}

Result<std::vector<OrderRow>> SqliteOrderTransaction::overdue_orders(std::int64_t now,
                                                                     std::uint32_t limit) {
  Query query = KB_TRY(this->query("SELECT " KB_ORDER_COLUMNS
                                   " FROM orders WHERE current_attempt = 0 AND state = 'ordered' "
                                   "AND not_after < ?1 ORDER BY not_after LIMIT ?2"));
  query.bind(1, now);
  query.bind(2, static_cast<std::int64_t>(limit));
  return read_orders(query);
}

// Triggers of the schema count, so that what is rolled back is not counted.
Result<std::vector<delivery::OrderCount>> SqliteOrderTransaction::order_counts(
    const std::optional<Spid>& provider) {
  Query query = KB_TRY(
      this->query(provider ? "SELECT " KB_COUNT_COLUMNS " FROM order_counts WHERE count <> 0 AND "
                             "provider = ?1 ORDER BY provider, state"
                           : "SELECT " KB_COUNT_COLUMNS
                             " FROM order_counts WHERE count <> 0 ORDER BY provider, state"));
  if (provider) {
    query.bind(1, provider->view());
  }
  return read_order_counts(query);
}

Result<std::optional<InvitationRow>> SqliteOrderTransaction::find_invitation(ByteView token_hash) {
  Query query =
      KB_TRY(this->query("SELECT token_hash, subject, not_after, request, certificate "
                         "FROM invitations WHERE token_hash = ?1"));
  query.bind(1, token_hash);
  const bool found = KB_TRY(query.step());
  if (!found) {
    return std::optional<InvitationRow>();
  }
  InvitationRow row = KB_TRY(read_invitation(query));
  return std::optional<InvitationRow>(std::move(row));
}

Result<void> SqliteOrderTransaction::insert_invitation(const InvitationRow& row) {
  Query query = KB_TRY(
      this->query("INSERT INTO invitations(token_hash, subject, not_after) VALUES (?1, ?2, ?3)"));
  query.bind(1, ByteView(row.token_hash));
  query.bind(2, std::string_view(row.subject));
  query.bind(3, row.not_after);
  return query.run();
}

Result<void> SqliteOrderTransaction::update_invitation(const InvitationRow& row) {
  Query query = KB_TRY(
      this->query("UPDATE invitations SET request = ?2, certificate = ?3 WHERE token_hash = ?1"));
  query.bind(1, ByteView(row.token_hash));
  if (row.request) {
    query.bind(2, std::string_view(*row.request));
  }
  if (row.certificate) {
    query.bind(3, std::string_view(*row.certificate));
  }
  KB_TRY(query.run());
  return one_row_changed();
}

Result<void> SqliteOrderTransaction::mark() {
  KB_TRY(alive());
  if (marked_) {
    KB_TRY(run("RELEASE request"));
  }
  KB_TRY(run("SAVEPOINT request"));
  marked_ = true;
  return {};
}

Result<void> SqliteOrderTransaction::roll_back_to_mark() {
  KB_TRY(alive());
  if (!marked_) {
    return fail(Errc::kState, "a transaction without a mark");
  }
  return run("ROLLBACK TO request");
}

Result<void> SqliteOrderTransaction::run(std::string_view sql) {
  Query query = KB_TRY(this->query(sql));
  return query.run();
}

Result<void> SqliteOrderTransaction::commit() {
  KB_TRY(alive());
  if (last_change_) {
    Query query = KB_TRY(this->query("UPDATE counters SET value = ?1 WHERE name = 'change'"));
    query.bind(1, *last_change_);
    KB_TRY(query.run());
  }
  return transaction_.commit();
}

// SQLite ends a transaction by itself after some errors; what followed would commit by itself.
Result<void> SqliteOrderTransaction::alive() const {
  if (!db_.in_transaction()) {
    return fail(Errc::kStore, "the transaction ended with an earlier failure");
  }
  return {};
}

Result<Query> SqliteOrderTransaction::query(std::string_view sql) {
  KB_TRY(alive());
  return db_.query(sql);
}

Result<void> SqliteOrderTransaction::one_row_changed() const {
  if (db_.changes() != 1) {
    return fail(Errc::kNotFound, "the store has no row of this name");
  }
  return {};
}

// One process at a time writes: the counter is read once, and written with the commit. What is
// rolled back to a mark leaves a gap, which nobody minds.
Result<std::int64_t> SqliteOrderTransaction::next_change() {
  if (!last_change_) {
    Query query = KB_TRY(this->query("SELECT value FROM counters WHERE name = 'change'"));
    const bool found = KB_TRY(query.step());
    if (!found) {
      return fail(Errc::kStore, "the store lacks its counter");
    }
    last_change_ = query.integer(0);
  }
  return ++*last_change_;
}

}  // namespace kagibin::store
