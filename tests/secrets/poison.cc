// SPDX-License-Identifier: Apache-2.0
#include "tests/secrets/poison.h"

#include <valgrind/memcheck.h>

namespace kagibin::test {

bool runs_under_valgrind() { return RUNNING_ON_VALGRIND != 0; }

unsigned reported_errors() { return static_cast<unsigned>(VALGRIND_COUNT_ERRORS); }

void poison(ByteView octets) {
  static_cast<void>(VALGRIND_MAKE_MEM_UNDEFINED(octets.data(), octets.size()));
}

void make_public(ByteView octets) {
  static_cast<void>(VALGRIND_MAKE_MEM_DEFINED(octets.data(), octets.size()));
}

SecretBytes poisoned(std::size_t size, std::uint8_t first) {
  SecretBytes out(size);
  for (std::uint8_t& octet : out.expose_mutable()) {
    octet = first++;
  }
  poison(out.expose());
  return out;
}

}  // namespace kagibin::test

// The linker puts this before every call of kagibin::declassified() (--wrap): the mark goes there,
// and nowhere else in the code under test.
// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl*,readability-identifier-naming): the linker's
// names
extern "C" std::size_t __real__ZN7kagibin12declassifiedEm(std::size_t value);
extern "C" std::size_t __wrap__ZN7kagibin12declassifiedEm(std::size_t value) {
  std::size_t out = __real__ZN7kagibin12declassifiedEm(value);
  static_cast<void>(VALGRIND_MAKE_MEM_DEFINED(&out, sizeof out));
  return out;
}
// NOLINTEND(bugprone-reserved-identifier,cert-dcl*,readability-identifier-naming)
