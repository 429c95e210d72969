// SPDX-License-Identifier: Apache-2.0
// At which relay level a delivery is sealed (protocol, section 8): the best of what the element
// offers, what the payload names and what we hold, and nothing else. Whether that level is enough
// is the policy's to say.
//
//   RL4   E1/88 has b4, the suite has ML-KEM, the payload names agreement_key_version, beside that
//         key the domain has a static Key-DEK that we alone know (keys/static_deks.h), and every
//         key of the payload goes under it
//   RL2   E1/88 has b2, and the payload names agreement_key_version; not where the domain has a
//         static Key-DEK, under which it would open what comes under the session's
//   RL3   E1/88 has b3, and the payload's key set is one that we alone know
//   (keys/exclusive_keys.h);
//         before RL2 where the policy asks for RL3, and not in its place where it asks for RL2
//   OS    the payload says own_delivery: E1/88 has b5, or nothing is sealed
//   RL1   otherwise; the payload's key set opens the channel
//
// Pure. Thread-safety: values.
//
//   const RelayChoice relay = choose_relay({.offered = statement.level_bitmap, ...});
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kagibin/roles/service_provider/problem.h"

namespace kagibin::roles::service_provider {

struct RelayFacts {
  std::uint8_t offered = 0;                             // E1/88
  std::optional<std::uint8_t> agreement_key_version{};  // of the payload: KVN of SK.SD.ECKA
  bool is_hybrid = false;                               // the suite
  bool own_delivery = false;                            // of the payload
  bool key_under_session_alone = false;                 // of the payload: RL4's Key-DEK misses it
  bool has_exclusive_keys = false;  // the payload's key set, of this element, is exclusive
  bool has_static_dek = false;      // beside the payload's SCP11a key, of this element
  bool has_exclusive_dek = false;   // and it is exclusive
  // Why the set, the Key-DEK is not exclusive, where a master key is the reason: "master key
  // "fleet" went out as a key block"; or empty.
  std::string why_keys_exposed{};
  std::string why_dek_exposed{};
  std::uint8_t minimum_level = 0;  // of the policy
};

struct RelayChoice {
  std::uint8_t level = 0;  // 0: the element offers nothing that is built
  std::string remedy;      // what would give a higher one, a sentence; empty when nothing is wanted
};

RelayChoice choose_relay(const RelayFacts& facts);

// The highest level that a payload can be sealed at, whatever the element offers: `facts.offered`
// is not looked at. kPolicy when the policy's minimum is above it, with what would lift that: for a
// check before an order.
Checked<std::uint8_t> highest_level(const RelayFacts& facts);

}  // namespace kagibin::roles::service_provider
