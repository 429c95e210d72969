// SPDX-License-Identifier: Apache-2.0
// A key delivery application by the manager: it behaves like the real one and draws every secret
// from a seed that the manager knows, so that whoever knows the seed computes its keys. Thread-
// safety: none.
//
//   plant_rogue_kda(built_in, rng);
//   for (const crypto::EcPrivateKey& key : RogueRng(kSeed).keys(100)) { ... }
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/se/module_registry.h"

namespace kagibin::attack {

// The n-th call is filled with SHA-256(seed | n | block), whatever the size of the calls before.
class RogueRng final : public crypto::Rng {
 public:
  explicit RogueRng(std::string_view seed) : seed_(seed) {}
  Result<void> fill(MutableByteView out) override;
  // The private keys that the first calls would be.
  static std::vector<crypto::EcPrivateKey> keys(std::string_view seed, std::uint32_t calls);

 private:
  std::string seed_;
  std::uint32_t calls_ = 0;
};

// Puts the rogue code in the place of the KDA's; `rng` outlives the element.
void plant_rogue_kda(se::BuiltIn& kda, crypto::Rng& rng);

}  // namespace kagibin::attack
