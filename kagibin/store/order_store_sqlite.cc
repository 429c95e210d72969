// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/order_store_sqlite.h"

#include <algorithm>
#include <array>
#include <utility>

#include "kagibin/store/database.h"

namespace kagibin::store {
namespace {

using delivery::AttemptNumber;
using delivery::AttemptRow;
using delivery::DeviceId;
using delivery::InvitationRow;
using delivery::OrderId;
using delivery::OrderRow;
using delivery::State;
using delivery::Work;

constexpr std::int32_t kApplicationId = 0x4B424F31;  // "KBO1"

// States stand as their names, so that a reader of the file needs no table of numbers.
constexpr std::array<std::string_view, 1> kMigrations = {R"sql(
CREATE TABLE orders (
  id TEXT NOT NULL PRIMARY KEY,
  provider BLOB NOT NULL,
  device TEXT NOT NULL,
  not_after INTEGER NOT NULL,
  state TEXT NOT NULL,
  current_attempt INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX orders_without_attempt ON orders(not_after)
  WHERE current_attempt = 0 AND state = 'ordered';
CREATE TABLE attempts (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id TEXT NOT NULL REFERENCES orders(id),
  number INTEGER NOT NULL,
  provider BLOB NOT NULL,
  device TEXT NOT NULL,
  not_after INTEGER NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  opening BLOB NOT NULL,
  answer BLOB,
  envelope BLOB,
  receipts INTEGER NOT NULL DEFAULT 0,
  verdict TEXT,
  reason TEXT,
  judged INTEGER,
  withdrawal TEXT,
  change INTEGER NOT NULL,
  UNIQUE (order_id, number)
) STRICT;
CREATE INDEX attempts_by_change ON attempts(provider, change);
CREATE INDEX attempts_by_state ON attempts(provider, state, change);
CREATE INDEX attempts_to_do ON attempts(device, sequence)
  WHERE state IN ('ordered', 'sealed', 'handed_over');
CREATE INDEX attempts_that_expire ON attempts(not_after)
  WHERE state IN ('ordered', 'enrolled', 'sealed', 'handed_over');
CREATE TABLE receipts (
  order_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  receipt BLOB NOT NULL,
  PRIMARY KEY (order_id, number, revision)
) STRICT, WITHOUT ROWID;
CREATE TABLE invitations (
  token_hash BLOB NOT NULL PRIMARY KEY,
  subject TEXT NOT NULL,
  not_after INTEGER NOT NULL,
  request TEXT,
  certificate TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE counters (
  name TEXT NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counters VALUES ('change', 0);
)sql"};

#define KB_ATTEMPT_COLUMNS                                                             \
  "a.order_id, a.number, a.provider, a.device, a.kind, a.state, a.opening, a.answer, " \
  "a.envelope, a.receipts, a.verdict, a.reason, a.withdrawal, a.sequence, a.change, a.judged"
#define KB_ORDER_COLUMNS "id, provider, device, not_after, state, current_attempt, created_at"

constexpr std::string_view kListAll =
    "SELECT " KB_ATTEMPT_COLUMNS
    " FROM attempts a WHERE provider = ?1 AND change > ?2 ORDER BY change LIMIT ?3";
constexpr std::string_view kListOneState =
    "SELECT " KB_ATTEMPT_COLUMNS
    " FROM attempts a WHERE provider = ?1 AND change > ?2 AND state = ?4 ORDER BY change LIMIT ?3";

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

Result<OrderRow> read_order(const Query& row) {
  const OrderId id = KB_TRY(OrderId::from(row.text(0)));
  const DeviceId device = KB_TRY(DeviceId::from(row.text(2)));
  OrderRow order{.id = id, .provider = {}, .device = device};
  order.provider = KB_TRY(Spid::from(row.octets(1)));
  order.not_after = row.integer(3);
  order.state = KB_TRY(delivery::state_by_name(row.text(4)));
  order.current_attempt = static_cast<AttemptNumber>(row.integer(5));
  order.created_at = row.integer(6);
  return order;
}

Result<AttemptRow> read_attempt(const Query& row) {
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
  return attempt;
}

Result<std::vector<AttemptRow>> read_attempts(Query& query) {
  std::vector<AttemptRow> rows;
  for (bool more = KB_TRY(query.step()); more; more = KB_TRY(query.step())) {
    AttemptRow row = KB_TRY(read_attempt(query));
    rows.push_back(std::move(row));
  }
  return rows;
}

// Binds the columns that an update may change, from parameter 3 on.
void bind_progress(Query& query, const AttemptRow& row, std::int64_t change) {
  query.bind(3, delivery::name(row.state));
  if (row.answer) {
    query.bind(4, ByteView(*row.answer));
  }
  if (row.envelope) {
    query.bind(5, ByteView(*row.envelope));
  }
  query.bind(6, static_cast<std::int64_t>(row.receipts));
  if (row.verdict) {
    query.bind(7, delivery::name(row.verdict->verdict));
    query.bind(8, std::string_view(row.verdict->reason));
    if (row.verdict->revision) {
      query.bind(11, static_cast<std::int64_t>(*row.verdict->revision));
    }
  }
  if (row.withdrawal) {
    query.bind(9, std::string_view(*row.withdrawal));
  }
  query.bind(10, change);
}

class SqliteTransaction final : public delivery::OrderTransaction {
 public:
  SqliteTransaction(Database& db, Transaction transaction, bool& open)
      : db_(db), transaction_(std::move(transaction)), open_(open) {
    open_ = true;
  }
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;
  ~SqliteTransaction() override { open_ = false; }

  Result<std::optional<OrderRow>> find_order(const OrderId& order) override {
    Query query = KB_TRY(this->query("SELECT " KB_ORDER_COLUMNS " FROM orders WHERE id = ?1"));
    query.bind(1, std::string_view(order.text()));
    const bool found = KB_TRY(query.step());
    if (!found) {
      return std::optional<OrderRow>();
    }
    OrderRow row = KB_TRY(read_order(query));
    return std::optional<OrderRow>(std::move(row));
  }

  Result<void> insert_order(const OrderRow& row) override {
    Query query = KB_TRY(this->query("INSERT INTO orders(" KB_ORDER_COLUMNS
                                     ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"));
    query.bind(1, std::string_view(row.id.text()));
    query.bind(2, row.provider.view());
    query.bind(3, std::string_view(row.device.text()));
    query.bind(4, row.not_after);
    query.bind(5, delivery::name(row.state));
    query.bind(6, static_cast<std::int64_t>(row.current_attempt));
    query.bind(7, row.created_at);
    return query.run();
  }

  Result<void> update_order(const OrderRow& row) override {
    Query query =
        KB_TRY(this->query("UPDATE orders SET state = ?2, current_attempt = ?3 WHERE id = ?1"));
    query.bind(1, std::string_view(row.id.text()));
    query.bind(2, delivery::name(row.state));
    query.bind(3, static_cast<std::int64_t>(row.current_attempt));
    KB_TRY(query.run());
    return one_row_changed();
  }

  Result<std::optional<AttemptRow>> find_attempt(const OrderId& order,
                                                 AttemptNumber number) override {
    Query query = KB_TRY(this->query("SELECT " KB_ATTEMPT_COLUMNS
                                     " FROM attempts a WHERE order_id = ?1 AND number = ?2"));
    query.bind(1, std::string_view(order.text()));
    query.bind(2, static_cast<std::int64_t>(number));
    return first(query);
  }

  Result<std::vector<AttemptRow>> attempts_of(const OrderId& order) override {
    Query query = KB_TRY(this->query("SELECT " KB_ATTEMPT_COLUMNS
                                     " FROM attempts a WHERE order_id = ?1 ORDER BY number"));
    query.bind(1, std::string_view(order.text()));
    return read_attempts(query);
  }

  Result<void> insert_attempt(const AttemptRow& row) override {
    const std::int64_t change = KB_TRY(next_change());
    Query query = KB_TRY(this->query(
        "INSERT INTO attempts(order_id, number, state, answer, envelope, receipts, verdict, "
        "reason, withdrawal, change, judged, provider, device, kind, opening, not_after) "
        "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, not_after "
        "FROM orders WHERE id = ?1"));
    query.bind(1, std::string_view(row.order.text()));
    query.bind(2, static_cast<std::int64_t>(row.number));
    bind_progress(query, row, change);
    query.bind(12, row.provider.view());
    query.bind(13, std::string_view(row.device.text()));
    query.bind(14, kKinds.at(std::to_underlying(row.kind)));
    query.bind(15, ByteView(row.opening));
    KB_TRY(query.run());
    return one_row_changed();
  }

  Result<void> update_attempt(const AttemptRow& row) override {
    const std::int64_t change = KB_TRY(next_change());
    Query query = KB_TRY(this->query(
        "UPDATE attempts SET state = ?3, answer = ?4, envelope = ?5, receipts = ?6, verdict = ?7, "
        "reason = ?8, withdrawal = ?9, change = ?10, judged = ?11 "
        "WHERE order_id = ?1 AND number = ?2"));
    query.bind(1, std::string_view(row.order.text()));
    query.bind(2, static_cast<std::int64_t>(row.number));
    bind_progress(query, row, change);
    KB_TRY(query.run());
    return one_row_changed();
  }

  Result<std::vector<Bytes>> receipts_of(const OrderId& order, AttemptNumber number) override {
    Query query =
        KB_TRY(this->query("SELECT receipt FROM receipts WHERE order_id = ?1 AND number = ?2 "
                           "ORDER BY revision"));
    query.bind(1, std::string_view(order.text()));
    query.bind(2, static_cast<std::int64_t>(number));
    std::vector<Bytes> receipts;
    for (bool more = KB_TRY(query.step()); more; more = KB_TRY(query.step())) {
      receipts.push_back(copy(query.octets(0)));
    }
    return receipts;
  }

  Result<void> insert_receipt(const OrderId& order,
                              AttemptNumber number,
                              std::uint32_t revision,
                              ByteView receipt) override {
    Query query = KB_TRY(this->query("INSERT INTO receipts VALUES (?1, ?2, ?3, ?4)"));
    query.bind(1, std::string_view(order.text()));
    query.bind(2, static_cast<std::int64_t>(number));
    query.bind(3, static_cast<std::int64_t>(revision));
    query.bind(4, receipt);
    return query.run();
  }

  Result<std::optional<AttemptRow>> next_work(const DeviceId& device,
                                              std::uint64_t after) override {
    Query query =
        KB_TRY(this->query(
            "SELECT " KB_ATTEMPT_COLUMNS " FROM attempts a JOIN orders o ON o.id = a.order_id "
            "AND o.current_attempt = a.number WHERE a.device = ?1 AND a.sequence > ?2 "
            "AND a.state IN ('ordered', 'sealed', 'handed_over') ORDER BY a.sequence LIMIT 1"));
    query.bind(1, std::string_view(device.text()));
    query.bind(2, static_cast<std::int64_t>(after));
    return first(query);
  }

  Result<std::vector<AttemptRow>> list(const Spid& provider,
                                       std::optional<State> state,
                                       std::uint64_t after,
                                       std::uint32_t limit) override {
    Query query = KB_TRY(this->query(state ? kListOneState : kListAll));
    query.bind(1, provider.view());
    query.bind(2, static_cast<std::int64_t>(after));
    query.bind(3, static_cast<std::int64_t>(limit));
    if (state) {
      query.bind(4, delivery::name(*state));
    }
    return read_attempts(query);
  }

  Result<std::vector<AttemptRow>> overdue_attempts(std::int64_t now, std::uint32_t limit) override {
    Query query = KB_TRY(this->query(
        "SELECT " KB_ATTEMPT_COLUMNS
        " FROM attempts a WHERE not_after < ?1 AND state IN ('ordered', 'enrolled', 'sealed', "
        "'handed_over') ORDER BY not_after LIMIT ?2"));
    query.bind(1, now);
    query.bind(2, static_cast<std::int64_t>(limit));
    return read_attempts(query);
  }

  Result<std::vector<OrderRow>> overdue_orders(std::int64_t now, std::uint32_t limit) override {
    Query query =
        KB_TRY(this->query("SELECT " KB_ORDER_COLUMNS " FROM orders WHERE current_attempt = 0 AND "
                           "state = 'ordered' AND not_after < ?1 "
                           "ORDER BY not_after LIMIT ?2"));
    query.bind(1, now);
    query.bind(2, static_cast<std::int64_t>(limit));
    std::vector<OrderRow> rows;
    for (bool more = KB_TRY(query.step()); more; more = KB_TRY(query.step())) {
      OrderRow row = KB_TRY(read_order(query));
      rows.push_back(std::move(row));
    }
    return rows;
  }

  Result<std::optional<InvitationRow>> find_invitation(ByteView token_hash) override {
    Query query =
        KB_TRY(this->query("SELECT token_hash, subject, not_after, request, certificate "
                           "FROM invitations WHERE token_hash = ?1"));
    query.bind(1, token_hash);
    const bool found = KB_TRY(query.step());
    if (!found) {
      return std::optional<InvitationRow>();
    }
    InvitationRow row;
    const auto hash = to_array<32>(query.octets(0));
    if (!hash) {
      return fail(Errc::kStore, "the store holds an invitation's hash of another length");
    }
    row.token_hash = *hash;
    row.subject = query.text(1);
    row.not_after = query.integer(2);
    if (!query.is_null(3)) {
      row.request = std::string(query.text(3));
    }
    if (!query.is_null(4)) {
      row.certificate = std::string(query.text(4));
    }
    return std::optional<InvitationRow>(std::move(row));
  }

  Result<void> insert_invitation(const InvitationRow& row) override {
    Query query = KB_TRY(
        this->query("INSERT INTO invitations(token_hash, subject, not_after) VALUES (?1, ?2, ?3)"));
    query.bind(1, ByteView(row.token_hash));
    query.bind(2, std::string_view(row.subject));
    query.bind(3, row.not_after);
    return query.run();
  }

  Result<void> update_invitation(const InvitationRow& row) override {
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

  Result<void> mark() override {
    KB_TRY(alive());
    if (marked_) {
      KB_TRY(db_.run("RELEASE request"));
    }
    KB_TRY(db_.run("SAVEPOINT request"));
    marked_ = true;
    return {};
  }

  Result<void> roll_back_to_mark() override {
    KB_TRY(alive());
    if (!marked_) {
      return fail(Errc::kState, "a transaction without a mark");
    }
    return db_.run("ROLLBACK TO request");
  }

  Result<void> commit() override {
    KB_TRY(alive());
    return transaction_.commit();
  }

 private:
  // SQLite ends a transaction by itself after some errors; what followed would commit by itself.
  Result<void> alive() const {
    if (!db_.in_transaction()) {
      return fail(Errc::kStore, "the transaction ended with an earlier failure");
    }
    return {};
  }

  Result<Query> query(std::string_view sql) {
    KB_TRY(alive());
    return db_.query(sql);
  }

  Result<void> one_row_changed() const {
    if (db_.changes() != 1) {
      return fail(Errc::kNotFound, "the store has no row of this name");
    }
    return {};
  }

  Result<std::int64_t> next_change() {
    Query query = KB_TRY(
        this->query("UPDATE counters SET value = value + 1 WHERE name = 'change' RETURNING value"));
    const bool found = KB_TRY(query.step());
    if (!found) {
      return fail(Errc::kStore, "the store lacks its counter");
    }
    return query.integer(0);
  }

  static Result<std::optional<AttemptRow>> first(Query& query) {
    const bool found = KB_TRY(query.step());
    if (!found) {
      return std::optional<AttemptRow>();
    }
    AttemptRow row = KB_TRY(read_attempt(query));
    return std::optional<AttemptRow>(std::move(row));
  }

  Database& db_;
  Transaction transaction_;
  bool& open_;
  bool marked_ = false;
};

class SqliteOrderStore final : public delivery::OrderStore {
 public:
  explicit SqliteOrderStore(Database db) : db_(std::move(db)) {}

  Result<std::unique_ptr<delivery::OrderTransaction>> begin() override {
    if (open_) {
      return fail(Errc::kState, "the store's earlier transaction is still open");
    }
    Transaction transaction = KB_TRY(Transaction::begin(db_));
    return std::make_unique<SqliteTransaction>(db_, std::move(transaction), open_);
  }

 private:
  Database db_;
  bool open_ = false;
};

}  // namespace

Result<std::unique_ptr<delivery::OrderStore>> open_order_store(const SqliteOptions& options) {
  Database db = KB_TRY(Database::open({.path = options.path,
                                       .application_id = kApplicationId,
                                       .migrations = kMigrations,
                                       .max_pages = options.max_pages,
                                       .busy_timeout_ms = options.busy_timeout_ms}));
  return std::make_unique<SqliteOrderStore>(std::move(db));
}

}  // namespace kagibin::store
