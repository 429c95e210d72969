// SPDX-License-Identifier: Apache-2.0
#include "kagibin/base/crash_point.h"

#ifdef KAGIBIN_TEST_HOOKS

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <string>

#include <unistd.h>

namespace kagibin {
namespace {

struct Plan {
  std::string name;
  std::atomic<unsigned> passes_left{0};
};

// Read once: the environment of a process under test does not change.
Plan& plan() {
  static Plan plan;
  static const bool read = [] {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here writes the environment
    const char* text = std::getenv("KAGIBIN_CRASH_AT");
    if (text == nullptr) {
      return false;
    }
    std::string_view where = text;
    unsigned pass = 1;
    if (const auto colon = where.rfind(':'); colon != std::string_view::npos) {
      const std::string_view number = where.substr(colon + 1);
      std::from_chars(number.data(), number.data() + number.size(), pass);
      where = where.substr(0, colon);
    }
    plan.name = where;
    plan.passes_left = pass;
    return true;
  }();
  static_cast<void>(read);
  return plan;
}

}  // namespace

void crash_point(std::string_view name) {
  Plan& wanted = plan();
  if (wanted.name.empty() || wanted.name != name) {
    return;
  }
  if (wanted.passes_left.fetch_sub(1) == 1) {
    static_cast<void>(std::raise(SIGKILL));
    _exit(137);
  }
}

}  // namespace kagibin

#endif
