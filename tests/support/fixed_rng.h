// SPDX-License-Identifier: Apache-2.0
// A random source that is not one: the stream SHA-256(seed | counter), the counter four octets from
// 0. For tests only. Thread-safety: none.
//
//   FixedRng rng("delivery 1");
//   const auto nonce = random_array<16>(rng).value();       // the same in every run
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kagibin/crypto/rng.h"
#include "kagibin/crypto/sha256.h"

namespace kagibin::test {

class FixedRng final : public crypto::Rng {
 public:
  explicit FixedRng(std::string_view seed) : seed_(seed) {}

  Result<void> fill(MutableByteView out) override;
  // Octets and calls so far.
  std::uint64_t octets_drawn() const { return octets_drawn_; }
  std::uint64_t calls() const { return calls_; }

 private:
  std::string seed_;
  crypto::Digest256 block_{};
  std::size_t used_ = 32;  // of block_
  std::uint32_t counter_ = 0;
  std::uint64_t octets_drawn_ = 0;
  std::uint64_t calls_ = 0;
};

}  // namespace kagibin::test
