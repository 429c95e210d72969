// SPDX-License-Identifier: Apache-2.0
// A random source that fails once, at its N-th call, for walking through every error path: run with
// N = 1, 2, 3 ... until nothing fails any more. For tests only. Thread-safety: none.
//
//   for (std::uint64_t n = 1; ; ++n) {
//     FailingRng rng("seed", n);
//     if (work(rng).has_value()) { EXPECT_FALSE(rng.has_failed()); break; }
//   }
#pragma once

#include <cstdint>
#include <string_view>

#include "kagibin/crypto/rng.h"

#include "tests/support/fixed_rng.h"

namespace kagibin::test {

class FailingRng final : public crypto::Rng {
 public:
  // `failing_call` counts from 1; the other calls draw from FixedRng(seed).
  FailingRng(std::string_view seed, std::uint64_t failing_call)
      : stream_(seed), failing_call_(failing_call) {}

  // kCrypto at the failing call.
  Result<void> fill(MutableByteView out) override;
  bool has_failed() const { return calls_ >= failing_call_; }
  std::uint64_t calls() const { return calls_; }

 private:
  FixedRng stream_;
  std::uint64_t failing_call_;
  std::uint64_t calls_ = 0;
};

}  // namespace kagibin::test
