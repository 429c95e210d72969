// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/agent_store_sqlite.h"

#include <gtest/gtest.h>

#include "kagibin/store/test_folder.h"

namespace kagibin::store {
namespace {

using delivery::AgentJob;
using delivery::AgentStore;
using delivery::OrderId;
using delivery::Work;

AgentJob a_job(std::string_view order, Work::Kind kind) {
  return {.order = OrderId::from(order).value(), .attempt = 2, .kind = kind, .message = {0xE0}};
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
