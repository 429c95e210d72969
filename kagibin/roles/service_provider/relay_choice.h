// SPDX-License-Identifier: Apache-2.0
// At which relay level an order is sealed (protocol, section 8): what the element offers in E1/88,
// what the payload names and what the provider's own records hold. Whether that is enough is the
// policy's to say.
//
//   RL2   E1/88 has b2, and the payload names agreement_key_version
//   RL1   otherwise; the payload's key set opens the channel
//
// Pure. Thread-safety: values.
//
//   const RelayChoice choice = choose_relay({.offered = statement.level_bitmap, ...});
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kagibin/roles/service_provider/problem.h"

namespace kagibin::roles::service_provider {

struct RelayFacts {
  std::uint8_t offered = 0;                             // E1/88
  std::optional<std::uint8_t> agreement_key_version{};  // of the payload: KVN of SK.SD.ECKA
};

struct RelayChoice {
  std::uint8_t level = 0;  // 0: none that is built here
  std::string remedy;      // what would lift it, one sentence; for a refusal
};

RelayChoice choose_relay(const RelayFacts& facts);

// The highest level that a payload can be sealed at, whatever the element offers. kPolicy when the
// policy's minimum is above it, with what would lift that: for a check before an order.
Checked<std::uint8_t> highest_level(std::optional<std::uint8_t> agreement_key_version,
                                    std::uint8_t minimum_level);

}  // namespace kagibin::roles::service_provider
