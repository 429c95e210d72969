// SPDX-License-Identifier: Apache-2.0
// What the system says of this process (proc(5), getrusage(2)); 0 where it does not say.
//
//   const ProcessFigures figures = process_figures();
#pragma once

#include <cstdint>

namespace kagibin::cli {

struct ProcessFigures {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_files = 0;
  std::uint64_t max_files = 0;
};
ProcessFigures process_figures();

}  // namespace kagibin::cli
