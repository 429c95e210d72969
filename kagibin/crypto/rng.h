// SPDX-License-Identifier: Apache-2.0
// Randomness as a parameter. Everything random in this project comes through Rng&, so that a whole
// delivery can be repeated from one seed and the failure of the source can be tested.
//
// Thread-safety: SystemRng may be shared; other implementations say so themselves.
//
//   SystemRng rng;
//   const std::array<std::uint8_t, 16> nonce = KB_TRY(random_array<16>(rng));
#pragma once

#include <array>
#include <cstdint>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::crypto {

class Rng {
 public:
  Rng() = default;
  Rng(const Rng&) = delete;
  Rng& operator=(const Rng&) = delete;
  virtual ~Rng() = default;
  // Fills all of `out`, or fails with kCrypto and leaves it unspecified.
  virtual Result<void> fill(MutableByteView out) = 0;
};

// The generator of libcrypto for private values (RAND_priv_bytes).
class SystemRng final : public Rng {
 public:
  Result<void> fill(MutableByteView out) override;
};

template <std::size_t N>
Result<std::array<std::uint8_t, N>> random_array(Rng& rng) {
  std::array<std::uint8_t, N> out{};
  KB_TRY(rng.fill(out));
  return out;
}

Result<SecretBytes> random_secret(Rng& rng, std::size_t size);

}  // namespace kagibin::crypto
