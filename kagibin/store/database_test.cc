// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/database.h"

#include <array>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

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
    const bool refused =
        !large && (large.error().code == Errc::kIo || large.error().code == Errc::kNoSpace);
    if (!small || !refused || count_notes(db) != 1 || !add_note(db, 3, 100)) {
      static_cast<void>(std::raise(SIGKILL));
    }
  }));
  Database db = Database::open(options_of(folder / "db")).value();
  EXPECT_EQ(count_notes(db), 2);
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
