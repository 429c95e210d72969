// SPDX-License-Identifier: Apache-2.0
// The agent's one file, behind delivery/agent_store.h: SQLite, mode 0600, nothing secret in it.
// Thread-safety: one thread at a time.
//
//   auto store = KB_TRY(open_agent_store({.path = folder / "agent.sqlite3"}));
#pragma once

#include <memory>

#include "kagibin/base/result.h"
#include "kagibin/delivery/agent_store.h"
#include "kagibin/store/sqlite_options.h"

namespace kagibin::store {

Result<std::unique_ptr<delivery::AgentStore>> open_agent_store(const SqliteOptions& options);

}  // namespace kagibin::store
