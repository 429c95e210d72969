// SPDX-License-Identifier: Apache-2.0
// What an operation leaves of its secrets in memory when it is over.
//
// The operation runs in a child process, on secrets that exist nowhere else: it asks Canaries for
// them there, and every one that it asked for, and whatever it watches beside them, is looked for
// when it has returned, in everything that the child can write: heap (freed memory too), stack
// (below its end too), data, mappings. Thread-safety: none.
//
//   EXPECT_EQ(left_behind([](Canaries& canaries) { use(canaries.secret(16)); }),
//   std::set<std::string>{});
#pragma once

#include <functional>
#include <set>
#include <string>

#include "kagibin/base/secret.h"

namespace kagibin::test {

class Canaries {
 public:
  static constexpr std::size_t kMost = 16;
  static constexpr std::size_t kLargest = 64;

  // The next secret: at least 16 octets, at most kLargest.
  SecretBytes secret(std::size_t size);
  template <std::size_t N>
  SecretArray<N> array() {
    return SecretArray<N>::copy_of(secret(N).expose()).value();
  }
  // A secret that the operation computed. Kept behind a mask, so that this is no copy.
  void watch(ByteView octets);

  struct Kept {
    std::size_t size;
    std::array<std::uint8_t, kLargest> masked;
  };
  // Shared by parent and child.
  struct Page {
    std::size_t count;
    std::array<Kept, kMost> kept;
  };
  Canaries(Page& page, std::uint32_t seed) : page_(page), seed_(seed) {}

 private:
  Page& page_;
  std::uint32_t seed_;  // no two operations of a process have secrets in common
};

// "secret 1 raw", "secret 2 hex": which, in the order in which they were asked for or watched, and
// how. "did not end" when the child did not come to the end of the operation.
std::set<std::string> left_behind(const std::function<void(Canaries&)>& operation);

}  // namespace kagibin::test
