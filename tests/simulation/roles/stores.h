// SPDX-License-Identifier: Apache-2.0
// Where the roles of a world keep what they must not forget, by the paths of their files: SQLite,
// or rows in memory (tests/support/memory_orders, tests/support/memory_journal.h and the fleet's
// JobStore), which keep the promises of the same ports. Both outlive the roles; nothing outlives
// the world.
//
// Thread-safety: one thread.
//
//   Stores stores(Stores::Kind::kMemory);
//   std::unique_ptr<delivery::OrderStore> store = KB_TRY(stores.open_orders(path));
#pragma once

#include <filesystem>
#include <map>
#include <memory>

#include "kagibin/cli/fleet/players/job_store.h"
#include "kagibin/delivery/journal_store.h"
#include "kagibin/delivery/order_store.h"

#include "tests/support/memory_journal.h"
#include "tests/support/memory_orders/order_tables.h"

namespace kagibin::simulation {

class Stores {
 public:
  enum class Kind : std::uint8_t { kSqlite, kMemory };
  explicit Stores(Kind kind) : kind_(kind) {}

  Result<std::unique_ptr<delivery::OrderStore>> open_orders(const std::filesystem::path& path);
  Result<std::shared_ptr<delivery::JournalStore>> open_journal(const std::filesystem::path& path);
  Result<std::shared_ptr<delivery::AgentStore>> open_jobs(const std::filesystem::path& path);

 private:
  Kind kind_;
  std::map<std::filesystem::path, std::shared_ptr<test::OrderTables>> orders_;
  std::map<std::filesystem::path, std::shared_ptr<test::MemoryJournal>> journals_;
  std::map<std::filesystem::path, std::shared_ptr<cli::fleet::JobStore>> jobs_;
};

}  // namespace kagibin::simulation
