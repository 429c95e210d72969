// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/agent_store_sqlite.h"

#include <algorithm>
#include <array>
#include <utility>

#include "kagibin/base/crash_point.h"
#include "kagibin/store/database.h"

namespace kagibin::store {
namespace {

using delivery::AgentJob;
using delivery::AttemptNumber;
using delivery::OrderId;
using delivery::OrderKey;
using delivery::Work;

constexpr std::int32_t kApplicationId = 0x4B424131;  // "KBA1"

// 2: jobs name the provider. Those of version 1 have it in their message alone, in E0 and in the
// header of E2: 80 01 01 | 81 01 suite | 82 10 SPID (protocol, sections 5 and 6).
constexpr std::array<std::string_view, 2> kMigrations = {R"sql(
CREATE TABLE jobs (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  kind TEXT NOT NULL,
  stage TEXT NOT NULL,
  message BLOB NOT NULL,
  handle BLOB,
  answer BLOB NOT NULL,
  tries INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (order_id, attempt, kind)
) STRICT;
CREATE TABLE clock (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  server_time INTEGER NOT NULL
) STRICT;
)sql",
                                                         R"sql(
CREATE TABLE new_jobs (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  provider BLOB NOT NULL,
  order_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  kind TEXT NOT NULL,
  stage TEXT NOT NULL,
  message BLOB NOT NULL,
  handle BLOB,
  answer BLOB NOT NULL,
  tries INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (provider, order_id, attempt, kind)
) STRICT;
INSERT INTO new_jobs SELECT position, substr(message, instr(message, X'8001018101') + 8, 16),
  order_id, attempt, kind, stage, message, handle, answer, tries, updated_at
  FROM jobs WHERE instr(message, X'8001018101') > 0;
DROP TABLE jobs;
ALTER TABLE new_jobs RENAME TO jobs;
)sql"};

#define KB_JOB_KEY "provider = ?1 AND order_id = ?2 AND attempt = ?3 AND kind = ?4"
#define KB_JOB_COLUMNS \
  "provider, order_id, attempt, kind, stage, message, handle, answer, tries, updated_at"

constexpr std::array<std::string_view, 3> kKinds = {"enrol", "deliver", "cancel"};
constexpr std::array<std::string_view, 4> kStages = {"fetched", "started", "answered", "done"};

Bytes copy(ByteView octets) { return {octets.begin(), octets.end()}; }

template <std::size_t N>
Result<std::uint8_t> index_of(const std::array<std::string_view, N>& names, std::string_view text) {
  const auto* found = std::ranges::find(names, text);
  if (found == names.end()) {
    return fail(Errc::kStore, "the agent's file holds an unknown word");
  }
  return static_cast<std::uint8_t>(found - names.begin());
}

Result<AgentJob> read_job(const Query& row) {
  const Spid provider = KB_TRY(Spid::from(row.octets(0)));
  const OrderId order = KB_TRY(OrderId::from(row.text(1)));
  AgentJob job{.order = {.provider = provider, .id = order}};
  job.attempt = static_cast<AttemptNumber>(row.integer(2));
  const std::uint8_t kind = KB_TRY(index_of(kKinds, row.text(3)));
  const std::uint8_t stage = KB_TRY(index_of(kStages, row.text(4)));
  job.kind = static_cast<Work::Kind>(kind);
  job.stage = static_cast<AgentJob::Stage>(stage);
  job.message = copy(row.octets(5));
  if (!row.is_null(6)) {
    job.handle = KB_TRY(Handle::from(row.octets(6)));
  }
  job.answer = copy(row.octets(7));
  job.tries = static_cast<std::uint32_t>(row.integer(8));
  job.updated_at = row.integer(9);
  return job;
}

// Parameters 1 to 4.
void bind_key(Query& query, const OrderKey& order, AttemptNumber attempt, Work::Kind kind) {
  query.bind(1, order.provider.view());
  query.bind(2, std::string_view(order.id.text()));
  query.bind(3, static_cast<std::int64_t>(attempt));
  query.bind(4, kKinds.at(std::to_underlying(kind)));
}

class SqliteAgentStore final : public delivery::AgentStore {
 public:
  explicit SqliteAgentStore(Database db) : db_(std::move(db)) {}

  Result<void> put_job(const AgentJob& job) override {
    Query query =
        KB_TRY(db_.query(
            "INSERT INTO jobs(" KB_JOB_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) "
            "ON CONFLICT (provider, order_id, attempt, kind) DO UPDATE SET stage = excluded.stage, "
            "message = excluded.message, handle = excluded.handle, answer = excluded.answer, "
            "tries = excluded.tries, updated_at = excluded.updated_at"));
    bind_key(query, job.order, job.attempt, job.kind);
    query.bind(5, kStages.at(std::to_underlying(job.stage)));
    query.bind(6, ByteView(job.message));
    if (job.handle) {
      query.bind(7, job.handle->view());
    }
    query.bind(8, ByteView(job.answer));
    query.bind(9, static_cast<std::int64_t>(job.tries));
    query.bind(10, job.updated_at);
    KB_CRASH_POINT("agent_store.job.before_commit");
    KB_TRY(query.run());
    KB_CRASH_POINT("agent_store.job.after_commit");
    return {};
  }

  Result<std::optional<AgentJob>> find_job(const OrderKey& order,
                                           AttemptNumber attempt,
                                           Work::Kind kind) override {
    Query query = KB_TRY(db_.query("SELECT " KB_JOB_COLUMNS " FROM jobs WHERE " KB_JOB_KEY));
    bind_key(query, order, attempt, kind);
    const bool found = KB_TRY(query.step());
    if (!found) {
      return std::optional<AgentJob>();
    }
    AgentJob job = KB_TRY(read_job(query));
    return std::optional<AgentJob>(std::move(job));
  }

  Result<std::vector<AgentJob>> jobs() override {
    Query query = KB_TRY(db_.query("SELECT " KB_JOB_COLUMNS " FROM jobs ORDER BY position"));
    std::vector<AgentJob> jobs;
    for (bool more = KB_TRY(query.step()); more; more = KB_TRY(query.step())) {
      AgentJob job = KB_TRY(read_job(query));
      jobs.push_back(std::move(job));
    }
    return jobs;
  }

  Result<void> remove_job(const OrderKey& order, AttemptNumber attempt, Work::Kind kind) override {
    Query query = KB_TRY(db_.query("DELETE FROM jobs WHERE " KB_JOB_KEY));
    bind_key(query, order, attempt, kind);
    KB_CRASH_POINT("agent_store.remove.before_commit");
    KB_TRY(query.run());
    KB_CRASH_POINT("agent_store.remove.after_commit");
    return {};
  }

  Result<std::optional<std::int64_t>> server_time() override {
    Query query = KB_TRY(db_.query("SELECT server_time FROM clock"));
    const bool found = KB_TRY(query.step());
    return found ? std::optional<std::int64_t>(query.integer(0)) : std::nullopt;
  }

  Result<void> set_server_time(std::int64_t seconds) override {
    Query query = KB_TRY(
        db_.query("INSERT INTO clock(id, server_time) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE "
                  "SET server_time = max(server_time, excluded.server_time)"));
    query.bind(1, seconds);
    return query.run();
  }

 private:
  Database db_;
};

}  // namespace

Result<std::unique_ptr<delivery::AgentStore>> open_agent_store(const SqliteOptions& options) {
  Database db = KB_TRY(Database::open({.path = options.path,
                                       .application_id = kApplicationId,
                                       .migrations = kMigrations,
                                       .max_pages = options.max_pages,
                                       .busy_timeout_ms = options.busy_timeout_ms}));
  return std::make_unique<SqliteAgentStore>(std::move(db));
}

}  // namespace kagibin::store
