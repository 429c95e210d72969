// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/database.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "kagibin/base/crash_point.h"
#include "kagibin/store/store_failure.h"

namespace kagibin::store {
namespace {

bool is_good(int code) { return code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW; }

// Right behind the call, which found errno 0: SQLite keeps the system's word on a failed write
// nowhere else.
Result<void> check(int code) {
  const int system_error = errno;
  if (is_good(code)) {
    return {};
  }
  const int primary = code & 0xFF;
  const bool of_system = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN;
  return std::unexpected(failure_of(code, of_system ? system_error : 0));
}

// SQLite would create the file with the umask's mode; its -wal and -shm take the mode of the file.
Result<void> create_private_file(const std::filesystem::path& path) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): open's third argument
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    return std::unexpected(failure_of(SQLITE_CANTOPEN, errno));
  }
  ::close(file);
  return {};
}

}  // namespace

Query::Query(Query&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)), failed_(other.failed_) {}

Query::~Query() {
  if (statement_ != nullptr) {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
}

Query& Query::bind(int index, std::int64_t value) {
  failed_ |= sqlite3_bind_int64(statement_, index, value);
  return *this;
}

Query& Query::bind(int index, std::string_view text) {
  failed_ |= sqlite3_bind_text64(statement_, index, text.data() == nullptr ? "" : text.data(),
                                 text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Query& Query::bind(int index, ByteView octets) {
  failed_ |= octets.empty() ? sqlite3_bind_zeroblob(statement_, index, 0)
                            : sqlite3_bind_blob64(statement_, index, octets.data(), octets.size(),
                                                  SQLITE_STATIC);
  return *this;
}

Query& Query::bind_null(int index) {
  failed_ |= sqlite3_bind_null(statement_, index);
  return *this;
}

Result<bool> Query::step() {
  if (failed_ != 0) {
    return fail(Errc::kStore, "a value could not be bound to a statement");
  }
  errno = 0;
  const int code = sqlite3_step(statement_);
  KB_TRY(check(code));
  return code == SQLITE_ROW;
}

Result<void> Query::run() {
  KB_TRY(step());
  return {};
}

std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string_view Query::text(int column) const {
  const ByteView view = octets(column);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): text is octets
  return {reinterpret_cast<const char*>(view.data()), view.size()};
}

ByteView Query::octets(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return data == nullptr ? ByteView() : ByteView(data, size);
}

bool Query::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

void Database::Close::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

void Database::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Result<Database> Database::open(const Options& options) {
  if (!options.read_only) {
    KB_TRY(create_private_file(options.path));
  }
  sqlite3* raw = nullptr;
  errno = 0;
  const int access = options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  const int code = sqlite3_open_v2(options.path.c_str(), &raw,
                                   access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, nullptr);
  Database db{std::unique_ptr<sqlite3, Close>(raw)};
  KB_TRY(check(code));
  sqlite3_busy_timeout(raw, options.busy_timeout_ms);
  KB_TRY(options.read_only ? db.check_up_to_date(options) : db.migrate(options));
  // What a savepoint may have to undo, in memory: in a file it would be as many writes again. Not
  // for scripts of a migration, which may sort more than there is memory.
  KB_TRY(db.run("PRAGMA temp_store=MEMORY"));
  return db;
}

Result<std::int64_t> Database::version(const Options& options) {
  std::int64_t version = 0;
  std::int64_t id = 0;
  {
    Query query = KB_TRY(this->query("PRAGMA user_version"));
    KB_TRY(query.step());
    version = query.integer(0);
  }
  {
    Query query = KB_TRY(this->query("PRAGMA application_id"));
    KB_TRY(query.step());
    id = query.integer(0);
  }
  if (version == 0 && id == 0) {
    Query query = KB_TRY(this->query("SELECT count(*) FROM sqlite_schema"));
    KB_TRY(query.step());
    if (query.integer(0) != 0) {
      return std::unexpected(foreign_file());
    }
  } else if (id != options.application_id) {
    const bool moved = id != 0 && id == options.moved_application_id;
    return std::unexpected(moved ? moved_file() : foreign_file());
  }
  const auto known = static_cast<std::int64_t>(options.migrations.size());
  if (version > known) {
    return std::unexpected(newer_file());
  }
  return version;
}

Result<void> Database::check_up_to_date(const Options& options) {
  KB_TRY(run("PRAGMA trusted_schema=OFF; BEGIN"));
  const std::int64_t version = KB_TRY(this->version(options));
  KB_TRY(run("COMMIT"));
  const bool older = options.older_too && version > 0;
  return older || version == static_cast<std::int64_t>(options.migrations.size())
             ? Result<void>()
             : std::unexpected(older_file());
}

Result<void> Database::migrate(const Options& options) {
  KB_TRY(
      run("PRAGMA trusted_schema=OFF; PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL;"
          "PRAGMA journal_mode=WAL; PRAGMA journal_size_limit=16777216"));
  if (options.max_pages) {
    const std::string quota = "PRAGMA max_page_count=" + std::to_string(*options.max_pages);
    KB_TRY(run(quota.c_str()));
  }
  // Versions are looked at under the write lock: two processes may open a new file together.
  Transaction transaction = KB_TRY(Transaction::begin(*this));
  const std::int64_t version = KB_TRY(this->version(options));
  const auto known = static_cast<std::int64_t>(options.migrations.size());
  if (version == known) {
    return transaction.commit();
  }
  for (auto next = static_cast<std::size_t>(version); next < options.migrations.size(); ++next) {
    const std::string script(options.migrations[next]);
    KB_TRY(run(script.c_str()));
  }
  const std::string marks = "PRAGMA user_version=" + std::to_string(known) +
                            "; PRAGMA application_id=" + std::to_string(options.application_id);
  KB_TRY(run(marks.c_str()));
  KB_CRASH_POINT("store.migration.before_commit");
  return transaction.commit();
}

Result<Query> Database::query(std::string_view sql) {
  auto& statement = statements_[sql.data()];
  if (!statement) {
    sqlite3_stmt* raw = nullptr;
    errno = 0;
    const int code = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    statement.reset(raw);
    KB_TRY(check(code));
  }
  return Query(statement.get());
}

Result<void> Database::run(const char* sql) {
  errno = 0;
  return check(sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr));
}

Result<void> Database::run_kept(std::string_view sql) {
  Query query = KB_TRY(this->query(sql));
  return query.run();
}

Result<void> Database::copy_to(const std::filesystem::path& file) {
  sqlite3* raw = nullptr;
  errno = 0;
  const int opened =
      sqlite3_open_v2(file.c_str(), &raw,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, nullptr);
  Database copy{std::unique_ptr<sqlite3, Close>(raw)};
  KB_TRY(check(opened));
  KB_TRY(copy.run("PRAGMA trusted_schema=OFF; PRAGMA synchronous=FULL"));
  sqlite3_backup* backup = sqlite3_backup_init(raw, "main", db_.get(), "main");
  if (backup == nullptr) {
    return check(sqlite3_errcode(raw));
  }
  errno = 0;
  const int stepped = sqlite3_backup_step(backup, -1);  // all of it, of one moment
  const int system_error = errno;
  static_cast<void>(sqlite3_backup_finish(backup));
  if (stepped != SQLITE_DONE) {
    return std::unexpected(failure_of(stepped, system_error));
  }
  // The copy says that it has a write-ahead log, for its original has one.
  KB_TRY(copy.run("PRAGMA journal_mode=DELETE"));
  return copy.check_whole();
}

Result<void> Database::check_whole() {
  {
    Query query = KB_TRY(this->query("PRAGMA integrity_check(1)"));
    const bool found = KB_TRY(query.step());
    if (!found || query.text(0) != "ok") {
      return std::unexpected(failure_of(SQLITE_CORRUPT, 0));
    }
  }
  Query query = KB_TRY(this->query("PRAGMA foreign_key_check"));
  const bool found = KB_TRY(query.step());
  return found ? std::unexpected(failure_of(SQLITE_CORRUPT, 0)) : Result<void>();
}

bool Database::in_transaction() const { return sqlite3_get_autocommit(db_.get()) == 0; }

std::int64_t Database::changes() const { return sqlite3_changes64(db_.get()); }

Result<Transaction> Transaction::begin(Database& db) {
  const bool is_part = db.in_transaction();
  KB_TRY(db.run_kept(is_part ? "SAVEPOINT part" : "BEGIN IMMEDIATE"));
  return Transaction(db, is_part);
}

Transaction::~Transaction() {
  if (db_ != nullptr && db_->in_transaction()) {
    static_cast<void>(is_part_ ? db_->run("ROLLBACK TO part; RELEASE part")
                               : db_->run_kept("ROLLBACK"));
  }
}

Result<void> Transaction::commit() {
  if (!db_->in_transaction()) {
    return fail(Errc::kStore, "the transaction was rolled back before its commit");
  }
  KB_TRY(db_->run_kept(is_part_ ? "RELEASE part" : "COMMIT"));
  db_ = nullptr;
  return {};
}

}  // namespace kagibin::store
