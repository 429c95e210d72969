// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/postgres/pg_connection.h"

#include <array>
#include <cerrno>
#include <utility>

#include <libpq-fe.h>
#include <poll.h>

#include "kagibin/store/postgres/pg_failure.h"

namespace kagibin::store {
namespace {

using Clock = std::chrono::steady_clock;
using Info = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

constexpr int kBinary = 1;

// Plans must not depend on statistics that are missing or old: every statement here has an index
// that answers it in order, and a scan or a sort of everything is never right. A session that
// stands still inside a transaction holds locks, and is ended.
constexpr const char* kSession =
    "SET client_encoding = 'UTF8'; SET search_path = kagibin, pg_catalog;"
    "SET default_transaction_isolation = 'read committed';"
    "SET lock_timeout = '5s'; SET statement_timeout = '15s';"
    "SET idle_in_transaction_session_timeout = '15s';"
    "SET plan_cache_mode = force_generic_plan; SET jit = off;"
    "SET enable_seqscan = off; SET enable_bitmapscan = off;"
    "SET enable_hashjoin = off; SET enable_mergejoin = off;"
    // Acknowledged is written (promises, I2); what waits for standbys as well is left as it is.
    "DO $$ BEGIN IF current_setting('synchronous_commit') IN ('off', 'local') THEN "
    "SET synchronous_commit = 'on'; END IF; END $$;";

std::string_view sqlstate(const PGresult* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return state == nullptr ? std::string_view() : std::string_view(state);
}

bool is_failure(ExecStatusType status) {
  return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
}

std::string_view value_of(const PQconninfoOption* options, std::string_view keyword) {
  // libpq's array ends with a null.
  for (const PQconninfoOption* one = options; one->keyword != nullptr; ++one) {
    if (keyword == one->keyword && one->val != nullptr) {
      return one->val;
    }
  }
  return {};
}

}  // namespace

Result<void> check_address(const std::string& address) {
  char* message = nullptr;
  const Info info(PQconninfoParse(address.c_str(), &message), &PQconninfoFree);
  PQfreemem(message);
  if (!info) {
    return std::unexpected(bad_address());
  }
  if (!value_of(info.get(), "password").empty() || !value_of(info.get(), "sslpassword").empty()) {
    return std::unexpected(password_in_address());
  }
  return {};
}

void PgConnection::Close::operator()(pg_conn* connection) const { PQfinish(connection); }

PgConnection::~PgConnection() = default;

Result<std::unique_ptr<PgConnection>> PgConnection::open(const Options& options) {
  KB_TRY(check_address(options.address));
  std::unique_ptr<PgConnection> made(new PgConnection(options));
  KB_TRY(made->connect());
  return made;
}

Result<void> PgConnection::connect() {
  // What the address says comes last and counts.
  const std::array<const char*, 7> keywords = {"fallback_application_name",
                                               "keepalives_idle",
                                               "keepalives_interval",
                                               "keepalives_count",
                                               "tcp_user_timeout",
                                               "dbname",
                                               nullptr};
  const std::array<const char*, 7> values = {
      "kagibin", "10", "5", "3", "20000", options_.address.c_str(), nullptr};
  const Deadline deadline = Clock::now() + options_.connect_timeout;
  connection_.reset(PQconnectStartParams(keywords.data(), values.data(), 1));
  if (!connection_ || PQstatus(connection_.get()) == CONNECTION_BAD) {
    return std::unexpected(lose());
  }
  for (PostgresPollingStatusType step = PGRES_POLLING_WRITING; step != PGRES_POLLING_OK;
       step = PQconnectPoll(connection_.get())) {
    if (step == PGRES_POLLING_FAILED) {
      // libpq keeps no SQLSTATE of a refusal; only the server refuses, and only with this word.
      const std::string_view said = PQerrorMessage(connection_.get());
      const bool refused = said.find("FATAL:") != std::string_view::npos &&
                           (said.find("authentication failed") != std::string_view::npos ||
                            said.find("does not exist") != std::string_view::npos ||
                            said.find("pg_hba.conf") != std::string_view::npos);
      const Error lost = lose();
      return std::unexpected(refused ? postgres_failure("28000") : lost);
    }
    KB_TRY(wait(step == PGRES_POLLING_WRITING, deadline));
  }
  if (PQserverVersion(connection_.get()) < 150'000) {
    return std::unexpected(old_server());
  }
  PQsetnonblocking(connection_.get(), 1);
  PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);  // or it prints them
  return script(kSession);
}

Error PgConnection::lose() {
  lost_ = true;
  waiting_.clear();
  return server_lost();
}

bool PgConnection::alive() const {
  return !lost_ && connection_ && PQstatus(connection_.get()) == CONNECTION_OK;
}

Result<void> PgConnection::wait(bool for_writing, Deadline deadline) {
  pollfd socket{.fd = PQsocket(connection_.get()), .events = POLLIN, .revents = 0};
  if (for_writing) {
    socket.events = POLLIN | POLLOUT;
  }
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) {
      return std::unexpected(lose());
    }
    const int ready = ::poll(&socket, 1, static_cast<int>(left));
    if (ready > 0) {
      return {};
    }
    if (ready < 0 && errno != EINTR) {
      return std::unexpected(lose());
    }
  }
}

Result<void> PgConnection::flush(Deadline deadline) {
  // The server stops reading while nobody takes its answers: read as well.
  for (int left = PQflush(connection_.get()); left != 0; left = PQflush(connection_.get())) {
    if (left < 0) {
      return std::unexpected(lose());
    }
    KB_TRY(wait(true, deadline));
    if (PQconsumeInput(connection_.get()) == 0) {
      return std::unexpected(lose());
    }
  }
  return {};
}

// Null where a statement's results end.
Result<pg_result*> PgConnection::next_result(Deadline deadline) {
  while (PQisBusy(connection_.get()) != 0) {
    KB_TRY(wait(false, deadline));
    if (PQconsumeInput(connection_.get()) == 0) {
      return std::unexpected(lose());
    }
  }
  return PQgetResult(connection_.get());
}

std::size_t PgConnection::add(std::string_view sql, PgParameters parameters) {
  waiting_.push_back({sql, std::move(parameters)});
  return waiting_.size() - 1;
}

bool PgConnection::send(const Statement& statement, std::vector<std::string_view>& to_prepare) {
  std::string& name = prepared_[statement.sql.data()];
  const bool known = !name.empty();
  if (!known) {
    name = "kagibin_" + std::to_string(prepared_.size());
    const std::string sql(statement.sql);
    if (PQsendPrepare(connection_.get(), name.c_str(), sql.c_str(), 0, nullptr) == 0) {
      return false;
    }
  }
  to_prepare.push_back(known ? std::string_view() : statement.sql);
  std::vector<const char*> values;
  std::vector<int> lengths;
  for (const PgParameters::Value& value : statement.parameters.values()) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): libpq takes octets as char
    const auto* data = reinterpret_cast<const char*>(value.octets.data());
    values.push_back(value.is_null ? nullptr : (value.octets.empty() ? "" : data));
    lengths.push_back(static_cast<int>(value.octets.size()));
  }
  const std::vector<int> formats(values.size(), kBinary);
  return PQsendQueryPrepared(connection_.get(), name.c_str(), static_cast<int>(values.size()),
                             values.data(), lengths.data(), formats.data(), kBinary) != 0;
}

PgConnection::Outcome PgConnection::run_until_failure() {
  Outcome outcome;
  const std::vector<Statement> statements = std::exchange(waiting_, {});
  const Deadline deadline = Clock::now() + options_.answer_timeout;
  ++round_trips_;
  if (!alive() || PQenterPipelineMode(connection_.get()) == 0) {
    outcome.failure = lose();
    return outcome;
  }
  std::vector<std::string_view> to_prepare;
  bool sent = true;
  for (const Statement& statement : statements) {
    sent = sent && send(statement, to_prepare);
  }
  if (!sent || PQpipelineSync(connection_.get()) == 0 || !flush(deadline)) {
    outcome.failure = lose();
    return outcome;
  }
  // An answer for each Parse and each statement, up to the one of the Sync.
  std::size_t place = 0;
  bool preparing = !to_prepare.empty() && !to_prepare[0].empty();
  for (;;) {
    const Result<pg_result*> next = next_result(deadline);
    if (!next) {
      outcome.failure = next.error();
      return outcome;
    }
    if (*next == nullptr) {
      if (!alive()) {
        outcome.failure = lose();
        return outcome;
      }
      continue;
    }
    PgRows rows(*next);
    const ExecStatusType status = PQresultStatus(*next);
    if (status == PGRES_PIPELINE_SYNC) {
      break;
    }
    if (is_failure(status)) {
      if (!outcome.failure) {
        outcome.failure = postgres_failure(sqlstate(*next));
      }
      if (PQstatus(connection_.get()) != CONNECTION_OK) {
        lose();
        return outcome;
      }
    }
    if (preparing) {
      if (status != PGRES_COMMAND_OK) {
        prepared_.erase(to_prepare[place].data());
      }
      preparing = false;
      continue;
    }
    if (!outcome.failure) {
      outcome.rows.push_back(std::move(rows));
    }
    ++place;
    preparing = place < to_prepare.size() && !to_prepare[place].empty();
  }
  if (PQexitPipelineMode(connection_.get()) == 0) {
    outcome.failure = lose();
  }
  return outcome;
}

Result<std::vector<PgRows>> PgConnection::run() {
  Outcome outcome = run_until_failure();
  if (outcome.failure) {
    return std::unexpected(*outcome.failure);
  }
  return std::move(outcome.rows);
}

Result<void> PgConnection::script(const std::string& sql) {
  const Deadline deadline = Clock::now() + options_.answer_timeout;
  ++round_trips_;
  if (!alive() || PQsendQuery(connection_.get(), sql.c_str()) == 0) {
    return std::unexpected(lose());
  }
  KB_TRY(flush(deadline));
  std::optional<Error> failure;
  for (;;) {
    pg_result* next = KB_TRY(next_result(deadline));
    if (next == nullptr) {
      break;
    }
    const PgRows rows(next);
    if (is_failure(PQresultStatus(next)) && !failure) {
      failure = postgres_failure(sqlstate(next));
    }
  }
  if (failure) {
    return std::unexpected(*failure);
  }
  return {};
}

std::vector<std::string> PgConnection::notifications() {
  std::vector<std::string> found;
  if (!alive() || PQconsumeInput(connection_.get()) == 0) {
    lose();
    return found;
  }
  for (PGnotify* one = PQnotifies(connection_.get()); one != nullptr;
       one = PQnotifies(connection_.get())) {
    if (one->be_pid != PQbackendPID(connection_.get())) {
      found.emplace_back(one->extra);
    }
    PQfreemem(one);
  }
  return found;
}

}  // namespace kagibin::store
