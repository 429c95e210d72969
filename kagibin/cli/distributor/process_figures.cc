// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/distributor/process_figures.h"

#include <filesystem>
#include <fstream>

#include <sys/resource.h>
#include <unistd.h>

namespace kagibin::cli {

ProcessFigures process_figures() {
  ProcessFigures figures;
  rusage used{};
  if (getrusage(RUSAGE_SELF, &used) == 0) {
    figures.cpu_seconds = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                          static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
  }
  // "<all> <resident> ...", in pages.
  std::ifstream memory("/proc/self/statm");
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  if (memory >> all >> resident) {
    figures.resident_bytes = resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  }
  std::error_code error;
  for (std::filesystem::directory_iterator file("/proc/self/fd", error), end; !error && file != end;
       file.increment(error)) {
    ++figures.open_files;
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    figures.max_files = limit.rlim_cur;
  }
  return figures;
}

}  // namespace kagibin::cli
