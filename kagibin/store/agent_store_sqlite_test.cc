// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/agent_store_sqlite.h"

#include <array>

#include <gtest/gtest.h>

#include "kagibin/store/database.h"
#include "kagibin/store/test_folder.h"

namespace kagibin::store {
namespace {

using delivery::AgentJob;
using delivery::AgentStore;
using delivery::OrderId;
using delivery::Work;

AgentJob a_job(std::string_view order, Work::Kind kind) {
  return {.order = {.provider = Spid{{0xAA}}, .id = OrderId::from(order).value()},
          .attempt = 2,
          .kind = kind,
          .message = {0xE0}};
}

TEST(AgentStoreTest, JobsReadBackInOrderAfterReopening) {
  const TestFolder folder;
  AgentJob first = a_job("a", Work::Kind::kEnrol);
  const AgentJob second = a_job("a", Work::Kind::kDeliver);
  {
    const auto store = open_agent_store({.path = folder / "agent"}).value();
    ASSERT_TRUE(store->put_job(first).has_value());
    ASSERT_TRUE(store->put_job(second).has_value());
    first.stage = AgentJob::Stage::kAnswered;
    first.handle = Handle{{9}};
    first.answer = {0xE4};
    first.tries = 3;
    first.updated_at = 77;
    ASSERT_TRUE(store->put_job(first).has_value());
  }
  const auto store = open_agent_store({.path = folder / "agent"}).value();
  EXPECT_EQ(store->jobs().value(), (std::vector<AgentJob>{first, second}));
  EXPECT_EQ(store->find_job(second.order, 2, Work::Kind::kDeliver).value(), second);
  EXPECT_EQ(store->find_job(second.order, 1, Work::Kind::kDeliver).value(), std::nullopt);
  ASSERT_TRUE(store->remove_job(first.order, 2, Work::Kind::kEnrol).has_value());
  EXPECT_EQ(store->jobs().value(), std::vector<AgentJob>{second});
}

TEST(AgentStoreTest, JobsOfTwoProvidersMayHaveOneName) {
  const TestFolder folder;
  const auto store = open_agent_store({.path = folder / "agent"}).value();
  const AgentJob first = a_job("a", Work::Kind::kDeliver);
  AgentJob second = first;
  second.order.provider = Spid{{0xBB}};
  second.message = {0xE2};
  ASSERT_TRUE(store->put_job(first).has_value());
  ASSERT_TRUE(store->put_job(second).has_value());
  EXPECT_EQ(store->jobs().value(), (std::vector<AgentJob>{first, second}));
  ASSERT_TRUE(store->remove_job(second.order, 2, Work::Kind::kDeliver).has_value());
  EXPECT_EQ(store->find_job(first.order, 2, Work::Kind::kDeliver).value(), first);
}

TEST(AgentStoreTest, JobsOfVersion1AreGivenTheProviderOfTheirMessage) {
  const TestFolder folder;
  {
    // As the first version of the schema made it.
    Database db =
        Database::open(
            {.path = folder / "agent",
             .application_id = 0x4B424131,
             .migrations =
                 std::array<std::string_view, 1>{
                     "CREATE TABLE jobs (position INTEGER PRIMARY KEY AUTOINCREMENT, "
                     "order_id TEXT NOT NULL, attempt INTEGER NOT NULL, kind TEXT NOT NULL, "
                     "stage TEXT NOT NULL, message BLOB NOT NULL, handle BLOB, "
                     "answer BLOB NOT NULL, tries INTEGER NOT NULL, updated_at INTEGER NOT "
                     "NULL, UNIQUE (order_id, attempt, kind)) STRICT;"
                     "CREATE TABLE clock (id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), "
                     "server_time INTEGER NOT NULL) STRICT;"}})
            .value();
    ASSERT_TRUE(
        db.run("INSERT INTO jobs VALUES (3, 'a', 2, 'enrol', 'started', X'E08201508001018101018210"
               "AA00000000000000000000000000000083', X'09000000000000000000000000000000', X'E4', "
               "3, 77), (4, 'a', 2, 'deliver', 'fetched', X'E281F0A030800101810101"
               "8210AA000000000000000000000000000000', NULL, X'', 0, 78), "
               "(5, 'b', 1, 'enrol', 'fetched', X'00', NULL, X'', 0, 79);"
               "INSERT INTO clock VALUES (1, 4711);")
            .has_value());
  }
  const auto store = open_agent_store({.path = folder / "agent"}).value();
  const auto jobs = store->jobs().value();
  ASSERT_EQ(jobs.size(), 2U) << "what is no message was no job";
  EXPECT_EQ(jobs[0].order, a_job("a", Work::Kind::kEnrol).order);
  EXPECT_EQ(jobs[0].stage, AgentJob::Stage::kStarted);
  EXPECT_EQ(jobs[0].handle, Handle{{9}});
  EXPECT_EQ(jobs[0].tries, 3U);
  EXPECT_EQ(jobs[1].order, a_job("a", Work::Kind::kDeliver).order);
  EXPECT_EQ(jobs[1].kind, Work::Kind::kDeliver);
  EXPECT_EQ(store->server_time().value(), 4711);
}

TEST(AgentStoreTest, TheServersTimeOnlyGrows) {
  const TestFolder folder;
  const auto store = open_agent_store({.path = folder / "agent"}).value();
  EXPECT_EQ(store->server_time().value(), std::nullopt);
  ASSERT_TRUE(store->set_server_time(100).has_value());
  ASSERT_TRUE(store->set_server_time(50).has_value());
  EXPECT_EQ(store->server_time().value(), 100);
  ASSERT_TRUE(store->set_server_time(101).has_value());
  EXPECT_EQ(store->server_time().value(), 101);
}

TEST(AgentStoreTest, AFullDiskIsReportedAndTheOldJobStays) {
  const TestFolder folder;
  const auto store = open_agent_store({.path = folder / "agent", .max_pages = 12}).value();
  AgentJob job = a_job("a", Work::Kind::kDeliver);
  ASSERT_TRUE(store->put_job(job).has_value());
  AgentJob larger = job;
  larger.answer = Bytes(60'000);
  const Result<void> put = store->put_job(larger);
  ASSERT_FALSE(put.has_value());
  EXPECT_EQ(put.error().code, Errc::kNoSpace);
  EXPECT_EQ(store->jobs().value(), std::vector<AgentJob>{job});
}

}  // namespace
}  // namespace kagibin::store
