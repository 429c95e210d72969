// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/roles/stores.h"

#include "kagibin/store/agent_store_sqlite.h"
#include "kagibin/store/journal_store_sqlite.h"
#include "kagibin/store/order_store_sqlite.h"

#include "tests/simulation/core/virtual_time.h"
#include "tests/support/memory_orders/memory_order_store.h"

namespace kagibin::simulation {
namespace {

// What lies under this path, made the first time.
template <typename Kept, typename... Arguments>
std::shared_ptr<Kept> kept(std::map<std::filesystem::path, std::shared_ptr<Kept>>& all,
                           const std::filesystem::path& path,
                           const Arguments&... arguments) {
  std::shared_ptr<Kept>& one = all[path];
  if (!one) {
    one = std::make_shared<Kept>(arguments...);
  }
  return one;
}

}  // namespace

Result<std::unique_ptr<delivery::OrderStore>> Stores::open_orders(
    const std::filesystem::path& path) {
  return kind_ == Kind::kSqlite
             ? store::open_order_store({.path = path})
             : test::memory_order_store(kept(orders_, path, kBeginningOfTheWorld));
}

Result<std::shared_ptr<delivery::JournalStore>> Stores::open_journal(
    const std::filesystem::path& path) {
  if (kind_ == Kind::kMemory) {
    return kept(journals_, path);
  }
  return KB_TRY(store::open_journal_store({.path = path}));
}

Result<std::shared_ptr<delivery::AgentStore>> Stores::open_jobs(const std::filesystem::path& path) {
  if (kind_ == Kind::kMemory) {
    return kept(jobs_, path);
  }
  return KB_TRY(store::open_agent_store({.path = path}));
}

}  // namespace kagibin::simulation
