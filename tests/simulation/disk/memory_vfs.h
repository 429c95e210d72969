// SPDX-License-Identifier: Apache-2.0
// SQLite's files in this process's memory instead of the system's: what SQLite does is the same,
// its write-ahead log and locks included, and no call goes to the system. What is on it outlives
// every handle, as files do, until it is forgotten.
//
// Limits: one process, paths that are absolute. Locks are told apart by handle, and nobody waits
// for one: there is one thread. Ownership: SQLite refers to it for as long as the process lives.
// Thread-safety: one thread.
//
//   use_memory_vfs(true);
//   auto store = store::open_order_store({.path = folder / "orders"});
//   forget_memory_files(folder);
#pragma once

#include <filesystem>

namespace kagibin::simulation {

// Every database that is opened from now on lies in memory; with false where SQLite had it before.
void use_memory_vfs(bool in_memory);
// The files of this folder. Precondition: nobody has one open (KB_CHECK).
void forget_memory_files(const std::filesystem::path& folder);

}  // namespace kagibin::simulation
