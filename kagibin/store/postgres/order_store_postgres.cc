// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/postgres/order_store_postgres.h"

#include <utility>

#include "kagibin/store/postgres/order_transaction_postgres.h"
#include "kagibin/store/postgres/pg_connection.h"
#include "kagibin/store/postgres/pg_failure.h"
#include "kagibin/store/postgres/postgres_schema.h"
#include "kagibin/store/postgres/snapshot_postgres.h"

namespace kagibin::store {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kBetweenTries{500};

class PostgresOrderStore final : public delivery::OrderStore {
 public:
  explicit PostgresOrderStore(PostgresOptions options) : options_(std::move(options)) {}

  Result<void> connect() {
    auto db = PgConnection::open({.address = options_.address,
                                  .connect_timeout = options_.connect_timeout,
                                  .answer_timeout = options_.answer_timeout});
    if (!db) {
      return std::unexpected(db.error());
    }
    if (options_.read_only) {
      KB_TRY(check_up_to_date(**db));
    } else {
      KB_TRY(bring_up_to_date(**db));
      (*db)->add("LISTEN kagibin_news");
      KB_TRY((*db)->run());
    }
    db_ = std::move(*db);
    return {};
  }

  Result<std::unique_ptr<delivery::OrderTransaction>> begin() override {
    if (open_) {
      return fail(Errc::kState, "the store's earlier transaction is still open");
    }
    if (options_.read_only) {
      return fail(Errc::kState, "the store was opened for reading");
    }
    KB_TRY(be_connected());
    return std::make_unique<PostgresOrderTransaction>(*db_, open_);
  }

  Result<std::unique_ptr<delivery::StoreSnapshot>> snapshot() override {
    if (open_) {
      return fail(Errc::kState, "the store's earlier transaction is still open");
    }
    KB_TRY(be_connected());
    return PostgresSnapshot::begin(*db_, open_);
  }

  delivery::News news() override {
    delivery::News news;
    if (open_ || !be_connected()) {
      return news;
    }
    const std::vector<std::string> announced = db_->notifications();
    for (const std::string& lines : announced) {
      add_lines(lines, news.topics);
    }
    news.missed = std::exchange(missed_, false);
    return news;
  }

 private:
  static void add_lines(std::string_view lines, std::vector<std::string>& topics) {
    while (!lines.empty()) {
      const std::size_t end = std::min(lines.find('\n'), lines.size());
      topics.emplace_back(lines.substr(0, end));
      lines.remove_prefix(std::min(end + 1, lines.size()));
    }
  }

  Result<void> be_connected() {
    if (db_ && db_->alive()) {
      return {};
    }
    db_.reset();
    if (Clock::now() < next_try_) {
      return std::unexpected(server_lost());
    }
    const Result<void> connected = connect();
    missed_ = true;
    next_try_ = Clock::now() + kBetweenTries;
    return connected;
  }

  PostgresOptions options_;
  std::unique_ptr<PgConnection> db_;
  Clock::time_point next_try_{};
  bool open_ = false;
  bool missed_ = false;
};

}  // namespace

bool is_postgres_address(std::string_view text) {
  return text.starts_with("postgresql://") || text.starts_with("postgres://");
}

Result<std::unique_ptr<delivery::OrderStore>> open_order_store_postgres(
    const PostgresOptions& options) {
  auto store = std::make_unique<PostgresOrderStore>(options);
  KB_TRY(store->connect());
  return store;
}

}  // namespace kagibin::store
