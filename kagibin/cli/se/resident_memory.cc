// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/se/resident_memory.h"

#include <fstream>

#include <malloc.h>
#include <unistd.h>

namespace kagibin::cli {

std::uint64_t resident_octets() {
  static_cast<void>(malloc_trim(0));
  std::ifstream in("/proc/self/statm");  // pages: size, resident, ...
  std::uint64_t pages = 0;
  in >> pages >> pages;
  return in ? pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace kagibin::cli
