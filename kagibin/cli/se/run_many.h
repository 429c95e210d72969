// SPDX-License-Identifier: Apache-2.0
// kagibin se run --count: many elements in one process, until Ctrl-C. Returns an exit code
// (console.h) and prints its own result or failure.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "kagibin/cli/console/program.h"
#include "kagibin/cli/profile/recipe_files.h"

namespace kagibin::cli {

struct ManyOptions {
  RecipeFiles files;
  std::uint32_t serial = 1;  // of element 0; the next ones count on
  std::uint32_t count = 0;
  std::filesystem::path store;  // empty: in memory alone
  std::string listen;
  std::size_t ports = 2;
  std::size_t awake = 64;
  unsigned threads = 0;
  bool no_sync = false;
  bool allow_changed_code = false;
  bool explain = false;
};

int se_run_many(const Program& program, const ManyOptions& options);

}  // namespace kagibin::cli
