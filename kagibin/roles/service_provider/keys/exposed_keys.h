// SPDX-License-Identifier: Apache-2.0
// Keys that others have, too, or may have: nothing is sealed at RL3 or RL4 that rests on them
// (exclusive_keys.h). Nothing takes a mark back.
//
//   one key      record "exposed_key" of the journal, by SHA-256("KB1-KFP" | key): what was sealed
//                at RL1, what a manager exported, keys of one element that came or went as a block
//   master key   record "exposed.master.<name>" of the key store, one octet, an Exposure: it came
//                or went as a key block, or the other end of a ceremony has it; then every key that
//                is derived from it is exposed, before and after
//
// A mark stands before the key that comes, and before the block that goes: a cut leaves a mark too
// many, never one too few. It is by the name, so that it needs no token and no second custodian.
// Attributes of a master key that were written before there were marks (format 01) do not say where
// the key comes from and whether it went: kUnknown, which counts as exposed. Ownership: refers to
// the key store and its journal. Thread-safety: one thread; other processes may use them.
//
//   ExposedKeys exposed(keys);
//   KB_TRY(exposed.add_master("fleet", Exposure::kWent));     // before the block is made
//   if (const auto how = KB_TRY(exposed.master("fleet"))) { ... known to others ... }
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kagibin/roles/service_provider/keys/key_store.h"

namespace kagibin::roles::service_provider {

enum class Exposure : std::uint8_t {
  kCame = 1,    // as a key block
  kWent = 2,    // as a key block
  kShared = 3,  // a ceremony whose check value was agreed on with another end
  kStated = 4,  // the provider said so
  kUnknown = 5  // kept by an older program, or by another name of such a key
};

// "master key "fleet" came as a key block"
std::string sentence(std::string_view master, Exposure how);

class ExposedKeys {
 public:
  explicit ExposedKeys(KeyStore& keys) : keys_(keys) {}

  Result<void> add(ByteView key);
  Result<bool> has(ByteView key) const;

  // The first mark stays.
  Result<void> add_master(std::string_view name, Exposure how);
  // Empty for a key that nobody else has.
  Result<std::optional<Exposure>> master(std::string_view name) const;
  // Whether a master key or key of one element is here that an older program took or made to leave:
  // then what an older program noted as exclusive may rest on it.
  Result<bool> has_unknown() const;

 private:
  KeyStore& keys_;
};

}  // namespace kagibin::roles::service_provider
