// SPDX-License-Identifier: Apache-2.0
// kagibin se snapshot and restore: a store of many elements (se/host) as one file, and back. Each
// returns an exit code (console.h) and prints its own result or failure.
//
// The copy is all elements as they were between two of their writes, whether a process runs them or
// not: the snapshot is read, then its journal, then the snapshot's beginning again, until no save
// came between. It has a name of its own, so that no journal that lies about goes on from it.
#pragma once

#include <filesystem>

#include "kagibin/cli/console/program.h"

namespace kagibin::cli {

struct StoreCopyOptions {
  std::filesystem::path store;
  std::filesystem::path copy;
  bool replace = false;  // restore: the elements in the store are given up
};

int se_snapshot(const Program& program, const StoreCopyOptions& options);
int se_restore(const Program& program, const StoreCopyOptions& options);

}  // namespace kagibin::cli
