// SPDX-License-Identifier: Apache-2.0
#include "kagibin/base/crash_point.h"

#ifdef KAGIBIN_TEST_HOOKS

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>

#include <unistd.h>

namespace kagibin {

void crash_point(std::string_view name) {
  static std::atomic<unsigned> passes{0};
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing writes the environment of a process under test
  const char* plan = std::getenv("KAGIBIN_CRASH_AT");
  if (plan == nullptr) {
    return;
  }
  std::string_view where = plan;
  unsigned wanted = 1;
  if (const auto colon = where.rfind(':'); colon != std::string_view::npos) {
    const std::string_view number = where.substr(colon + 1);
    std::from_chars(number.data(), number.data() + number.size(), wanted);
    where = where.substr(0, colon);
  }
  if (where == name && passes.fetch_add(1) + 1 == wanted) {
    static_cast<void>(std::raise(SIGKILL));
    _exit(137);
  }
}

}  // namespace kagibin

#endif
