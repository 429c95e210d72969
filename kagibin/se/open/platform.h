// SPDX-License-Identifier: Apache-2.0
// What the rooms of one element share: its memory and views on it, its sources of randomness and
// time, and the facts it was made with. For se/ only. Ownership: references; Element owns.
#pragma once

#include "kagibin/base/clock.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/se/domain/keys/key_store.h"
#include "kagibin/se/explain/circumstances.h"
#include "kagibin/se/module_registry.h"
#include "kagibin/se/open/registry.h"

namespace kagibin::se {

// The lasting part of an ElementProfile, record "open/profile":
//   80 01 version (01) | 81 var ATR | 82 05-10 ISD AID | 83 0A diversification data
//   84 01 channel count | 85 01 basic channel reserved (00|01) | 86 01 failure limit
//   87 04 memory in octets (absent: no limit)
struct ElementFacts {
  Bytes atr;
  Aid isd_aid;
  std::array<std::uint8_t, 10> diversification_data{};
  std::uint8_t channel_count = 0;
  bool basic_channel_reserved = false;
  std::uint8_t authentication_failure_limit = 0;
  std::uint32_t memory_octets = 0;

  // kInvalidArgument for a profile outside the limits that stand in it.
  static Result<ElementFacts> from(const ElementProfile& profile);
  static Result<ElementFacts> load(const Nvm& nvm);
  Result<void> store(Nvm& nvm) const;
};

struct Platform {
  Nvm& nvm;
  crypto::Rng& rng;
  const Clock& clock;
  const ModuleRegistry& modules;
  const ElementFacts& facts;
  Registry& registry;
  KeyStore& keys;
  Circumstances circumstances{};  // of the command in hand
};

}  // namespace kagibin::se
