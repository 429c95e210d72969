// SPDX-License-Identifier: Apache-2.0
// Cipher suites and relay levels: the two tables that later ones join without change elsewhere
// (protocol, 6 and 8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kagibin/base/result.h"

namespace kagibin::envelope {

enum class Suite : std::uint8_t {
  k01 = 0x01,  // ECDH P-256, X9.63 SHA-256, AES-128-CBC, AES-CMAC, ECDSA
};

struct SuiteInfo {
  Suite suite;
  std::string_view name;
  std::size_t key_size_bytes;      // of Kenc and Kmac
  std::size_t enrolment_key_size;  // pkE in E1/84
  // Of P without padding, so that TLV 83 with the handle and the complete E2 together fit what a
  // KDA reassembles (1,024 octets), whatever is optional in A0 and however long the signature.
  std::size_t payload_max_size_bytes;

  // TLV 81 of A1: P and its padding.
  constexpr std::size_t sealed_max_size_bytes() const {
    return (payload_max_size_bytes / 16 + 1) * 16;
  }
};
// The suites built here, in order of preference.
std::span<const SuiteInfo> suites();
// kNotSupported with the reason for a suite that is defined but not built, kValue for any other.
Result<SuiteInfo> suite_info(std::uint8_t id);

enum class RelayLevel : std::uint8_t {
  kRl1 = 0x01,  // SCP03 under keys that the security module manager issued
  kRl2 = 0x02,  // SCP11a with a key that the domain made and the controlling authority certified
};

struct RelayLevelInfo {
  RelayLevel level;
  std::string_view name;              // "RL1"
  std::uint8_t bitmap_bit;            // in E1/88
  std::string_view known_to;          // who knows the security domain's keys
  std::string_view not_safe_against;  // for the tools that say which level a delivery got and why
};
std::span<const RelayLevelInfo> relay_levels();
// kNotSupported for 3, 4 and 0 (never deliverable), kValue for any other.
Result<RelayLevelInfo> relay_level_info(std::uint8_t id);
Result<RelayLevelInfo> relay_level_by_name(std::string_view name);

}  // namespace kagibin::envelope
