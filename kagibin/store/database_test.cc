// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/database.h"

#include <array>
#include <cerrno>
#include <fstream>

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "kagibin/store/store_failure.h"
#include "kagibin/store/test_folder.h"

namespace kagibin::store {
namespace {

constexpr std::array<std::string_view, 2> kMigrations = {
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;",
    "ALTER TABLE notes ADD COLUMN title TEXT; CREATE INDEX by_title ON notes(title);"};

Database::Options options_of(const std::filesystem::path& path, std::size_t versions = 2) {
  return {.path = path,
          .application_id = 7,
          .migrations = std::span(kMigrations).first(versions),
          .busy_timeout_ms = 50};
}

Result<void> add_note(Database& db, std::int64_t id, std::size_t size) {
  const Bytes body(size, 0x5A);
  Query query = KB_TRY(db.query("INSERT INTO notes(id, body) VALUES (?1, ?2)"));
  return query.bind(1, id).bind(2, ByteView(body)).run();
}

std::int64_t count_notes(Database& db) {
  Query query = db.query("SELECT count(*) FROM notes").value();
  EXPECT_TRUE(query.step().value());
  return query.integer(0);
}

TEST(DatabaseTest, IsPrivateAndDurableAndKeepsWhatWasCommitted) {
  const TestFolder folder;
  {
    Database db = Database::open(options_of(folder / "db")).value();
    ASSERT_TRUE(add_note(db, 1, 10).has_value());
    struct stat info{};
    ASSERT_EQ(stat((folder / "db").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    ASSERT_EQ(stat((folder / "db-wal").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    Query mode = db.query("PRAGMA journal_mode").value();
    ASSERT_TRUE(mode.step().value());
    EXPECT_EQ(mode.text(0), "wal");
    Query synchronous = db.query("PRAGMA synchronous").value();
    ASSERT_TRUE(synchronous.step().value());
    EXPECT_EQ(synchronous.integer(0), 2) << "FULL";
  }
  Database db = Database::open(options_of(folder / "db")).value();
  EXPECT_EQ(count_notes(db), 1);
}

TEST(DatabaseTest, ATransactionWithinAnotherIsAPartOfIt) {
  const TestFolder folder;
  Database db = Database::open(options_of(folder / "db")).value();
  Database other = Database::open(options_of(folder / "db")).value();
  for (const bool keeps : {false, true}) {
    Transaction outer = Transaction::begin(db).value();
    ASSERT_TRUE(add_note(db, 1, 10).has_value());
    {
      Transaction undone = Transaction::begin(db).value();
      ASSERT_TRUE(add_note(db, 2, 10).has_value());
    }
    EXPECT_EQ(count_notes(db), 1) << "it rolls back by itself";
    {
      Transaction part = Transaction::begin(db).value();
      ASSERT_TRUE(add_note(db, 3, 10).has_value());
      ASSERT_TRUE(part.commit().has_value());
    }
    EXPECT_EQ(count_notes(other), 0) << "it is not there before the outer one is";
    if (keeps) {
      ASSERT_TRUE(outer.commit().has_value());
      EXPECT_EQ(count_notes(other), 2);
    }
  }
  EXPECT_EQ(count_notes(db), 2) << "the first outer one took all of it along";
}

TEST(DatabaseTest, MigratesAnOlderFileAndRefusesANewerOne) {
  const TestFolder folder;
  {
    Database db = Database::open(options_of(folder / "db", 1)).value();
    ASSERT_TRUE(add_note(db, 1, 10).has_value());
  }
  {
    Database db = Database::open(options_of(folder / "db", 2)).value();
    EXPECT_EQ(count_notes(db), 1);
    EXPECT_TRUE(db.query("SELECT title FROM notes").has_value());
  }
  EXPECT_EQ(Database::open(options_of(folder / "db", 1)).error().code, Errc::kNotSupported);
}

TEST(DatabaseTest, RefusesFilesOfOthers) {
  const TestFolder folder;
  ASSERT_TRUE(Database::open(options_of(folder / "db")).has_value());
  Database::Options other = options_of(folder / "db");
  other.application_id = 8;
  EXPECT_EQ(Database::open(other).error().code, Errc::kConflict);
  std::ofstream(folder / "text") << std::string(5'000, 'x');
  EXPECT_EQ(Database::open(options_of(folder / "text")).error().code, Errc::kStore);
  EXPECT_EQ(Database::open(options_of(folder / "none/db")).error().code, Errc::kIo);
}

TEST(DatabaseTest, AMigrationThatIsCutLeavesTheOldVersion) {
  const TestFolder folder;
  ASSERT_TRUE(Database::open(options_of(folder / "db", 1)).has_value());
#ifdef KAGIBIN_TEST_HOOKS
  EXPECT_TRUE(dies_by_kill([&] {
    setenv("KAGIBIN_CRASH_AT", "store.migration.before_commit",
           1);  // NOLINT(concurrency-mt-unsafe): alone
    static_cast<void>(Database::open(options_of(folder / "db", 2)));
  }));
#endif
  EXPECT_TRUE(Database::open(options_of(folder / "db", 1)).has_value());
  EXPECT_TRUE(Database::open(options_of(folder / "db", 2)).has_value());
}

TEST(DatabaseTest, AnUncommittedTransactionLeavesNoTrace) {
  const TestFolder folder;
  Database db = Database::open(options_of(folder / "db")).value();
  {
    const Transaction transaction = Transaction::begin(db).value();
    ASSERT_TRUE(add_note(db, 1, 10).has_value());
  }
  EXPECT_EQ(count_notes(db), 0);
  EXPECT_EQ(add_note(db, 2, 10).has_value(), true);
  EXPECT_EQ(add_note(db, 2, 10).error().code, Errc::kConflict);
}

TEST(DatabaseTest, AKilledProcessLosesWhatItDidNotCommitAndNothingElse) {
  const TestFolder folder;
  ASSERT_TRUE(Database::open(options_of(folder / "db")).has_value());
  EXPECT_TRUE(dies_by_kill([&] {
    Database db = Database::open(options_of(folder / "db")).value();
    for (std::int64_t id = 1; id <= 20; ++id) {
      Transaction transaction = Transaction::begin(db).value();
      static_cast<void>(add_note(db, id, 5'000));
      if (id == 20) {
        static_cast<void>(std::raise(SIGKILL));
      }
      static_cast<void>(transaction.commit());
    }
  }));
  Database db = Database::open(options_of(folder / "db")).value();
  EXPECT_EQ(count_notes(db), 19);
}

TEST(DatabaseTest, AFullStoreSaysSoAndKeepsWorking) {
  const TestFolder folder;
  Database::Options options = options_of(folder / "db");
  options.max_pages = 20;
  Database db = Database::open(options).value();
  std::int64_t id = 1;
  Result<void> added = add_note(db, id, 4'000);
  while (added.has_value() && id < 100) {
    added = add_note(db, ++id, 4'000);
  }
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error().code, Errc::kNoSpace);
  EXPECT_EQ(count_notes(db), id - 1);
  ASSERT_TRUE(db.run("DELETE FROM notes WHERE id <= 3").has_value());
  EXPECT_TRUE(add_note(db, id, 4'000).has_value());
}

TEST(DatabaseTest, ACommitThatCannotBeWrittenFailsAndIsNotThere) {
  const TestFolder folder;
  ASSERT_TRUE(Database::open(options_of(folder / "db")).has_value());
  // RLIMIT_FSIZE makes write() fail with EFBIG, as a full disk makes it fail with ENOSPC.
  EXPECT_FALSE(dies_by_kill([&] {
    signal(SIGXFSZ, SIG_IGN);
    Database db = Database::open(options_of(folder / "db")).value();
    const bool small = add_note(db, 1, 100).has_value();
    const rlimit limit{200'000, 200'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    const Result<void> large = add_note(db, 2, 1'000'000);
    const bool refused = !large && large.error().code == Errc::kNoSpace &&
                         large.error().detail.text().find("limit") != std::string_view::npos;
    if (!small || !refused || count_notes(db) != 1 || !add_note(db, 3, 100)) {
      static_cast<void>(std::raise(SIGKILL));
    }
  }));
  Database db = Database::open(options_of(folder / "db")).value();
  EXPECT_EQ(count_notes(db), 2);
}

TEST(DatabaseTest, AFileThatIsNoStoreOrIsDamagedIsRefusedAndSaysWhatToDo) {
  const TestFolder folder;
  std::ofstream(folder / "text") << std::string(5'000, 'x');
  const Error text = Database::open(options_of(folder / "text")).error();
  EXPECT_EQ(text.code, Errc::kStore);
  EXPECT_NE(remedy(text.detail.text()).value().find("backup"), std::string_view::npos);
  {
    Database db = Database::open(options_of(folder / "db")).value();
    for (std::int64_t id = 1; id <= 30; ++id) {
      ASSERT_TRUE(add_note(db, id, 4'000).has_value());
    }
    ASSERT_TRUE(db.run("PRAGMA wal_checkpoint(TRUNCATE)").has_value());
  }
  {
    std::fstream file(folder / "db", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(8'192);
    file << std::string(60'000, '\x5A');
  }
  Result<Database> db = Database::open(options_of(folder / "db"));
  const auto read = [&]() -> Result<void> {
    Query query = KB_TRY(db->query("SELECT sum(length(body)) FROM notes"));
    KB_TRY(query.step());
    return {};
  };
  const Result<void> result = db ? read() : std::unexpected(db.error());
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, Errc::kStore);
  EXPECT_TRUE(remedy(result.error().detail.text()).has_value());
}

TEST(DatabaseTest, EveryFailureOfTheFileSaysWhatToDoAndOthersNothing) {
  for (const int code : {SQLITE_FULL, SQLITE_BUSY, SQLITE_LOCKED, SQLITE_IOERR, SQLITE_IOERR_WRITE,
                         SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_CORRUPT, SQLITE_ERROR}) {
    for (const int system_error : {0, ENOSPC, EFBIG, EDQUOT, EACCES}) {
      const Error error = failure_of(code, system_error);
      const auto advice = remedy(error.detail.text());
      ASSERT_TRUE(advice.has_value()) << code;
      EXPECT_TRUE(advice->ends_with('.')) << *advice;
    }
  }
  EXPECT_EQ(failure_of(SQLITE_IOERR_WRITE, EFBIG).code, Errc::kNoSpace);
  EXPECT_EQ(failure_of(SQLITE_IOERR_WRITE, EDQUOT).code, Errc::kNoSpace);
  EXPECT_EQ(failure_of(SQLITE_IOERR_WRITE, EIO).code, Errc::kIo);
  EXPECT_EQ(failure_of(SQLITE_BUSY, 0).code, Errc::kInterrupted);
  EXPECT_FALSE(remedy("the distributor says: its disk is full, nothing was changed").has_value());
}

TEST(DatabaseTest, AHeldWriteLockIsWaitedForAndThenReported) {
  const TestFolder folder;
  Database first = Database::open(options_of(folder / "db")).value();
  Database second = Database::open(options_of(folder / "db")).value();
  {
    const Transaction transaction = Transaction::begin(first).value();
    EXPECT_EQ(Transaction::begin(second).error().code, Errc::kInterrupted);
  }
  EXPECT_TRUE(Transaction::begin(second).has_value());
}

}  // namespace
}  // namespace kagibin::store
