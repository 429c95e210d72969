// SPDX-License-Identifier: Apache-2.0
// Cipher suites and relay levels: the two tables that later ones join without change elsewhere
// (protocol, 6 and 8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "kagibin/base/result.h"

namespace kagibin::envelope {

enum class Suite : std::uint8_t {
  k01 = 0x01,
  k02 = 0x02,
  k10 = 0x10,
  k11 = 0x11,
  k20 = 0x20,
  k21 = 0x21,
};

struct SuiteInfo {
  Suite suite;
  // Names for people; all sign by ECDSA with SHA-256 on P-256.
  std::string_view kem;
  std::string_view kdf;
  std::string_view aead;
  std::string_view signature;
  std::uint16_t hpke_kem;          // IANA's numbers; 0: not HPKE
  std::uint16_t hpke_aead;         // as above
  std::size_t key_size_bytes;      // of Kenc and Kmac; 0: HPKE has its own
  std::size_t enrolment_key_size;  // pkE in E1/84
  std::size_t encapsulated_size;   // ePK.A or enc in A1/80
  // Of P without padding, so that TLV 83 with the handle and the complete E2 together fit what a
  // KDA reassembles, whatever is optional in A0 and however long the signature.
  std::size_t payload_max_size_bytes;
  std::size_t reassembly_size_bytes;  // 1,024, or 4,096 with ML-KEM

  constexpr bool is_hpke() const { return hpke_kem != 0; }
  // ML-KEM-768 beside a curve: 20 and 21.
  constexpr bool is_hybrid() const { return hpke_kem == 0x647A || hpke_kem == 0x0050; }
  // The KEM of pkE by IANA's number: suites 01 and 02 agree on P-256 by themselves.
  constexpr std::uint16_t enrolment_kem() const { return is_hpke() ? hpke_kem : 0x0010; }
  // TLV 81 of A1: P and its padding, or P and its tag.
  constexpr std::size_t sealed_max_size_bytes() const {
    return is_hpke() ? payload_max_size_bytes + 16 : (payload_max_size_bytes / 16 + 1) * 16;
  }
};
// The suites built here, by rising number. That one needs a newer libcrypto is not known here
// (crypto/hpke/kem.h).
std::span<const SuiteInfo> suites();
// kNotSupported with the reason for a suite that is defined but not built, kValue for any other.
Result<SuiteInfo> suite_info(std::uint8_t id);
// The suite that seals what the KDA answers (E4, E3/8F) to an order of this one: 01 for 01,
// otherwise 02 (protocol, 5).
constexpr std::uint8_t answer_suite(std::uint8_t suite) { return suite == 0x01 ? 0x01 : 0x02; }

enum class RelayLevel : std::uint8_t {
  kRl1 = 0x01,  // SCP03 under keys that the security module manager issued
  kRl2 = 0x02,  // SCP11a with a key that the domain made and the controlling authority certified
  kRl3 = 0x03,  // SCP03 under a key set that the service provider alone knows
  kRl4 = 0x04,  // SCP11a as RL2, and a static Key-DEK that the service provider alone knows
  kOs = 0x05,   // no relay: the target's own OS opens the envelope
};

struct RelayLevelInfo {
  RelayLevel level;
  std::string_view name;              // "RL1", "OS"
  std::uint8_t bitmap_bit;            // in E1/88
  std::string_view known_to;          // who knows the security domain's keys
  std::string_view not_safe_against;  // for the tools that say which level a delivery got and why
};
std::span<const RelayLevelInfo> relay_levels();
// kNotSupported for 0 (never deliverable), kValue for any other that is none.
Result<RelayLevelInfo> relay_level_info(std::uint8_t id);
Result<RelayLevelInfo> relay_level_by_name(std::string_view name);
// What people call it, built or not: "RL3", "OS".
std::string relay_level_name(std::uint8_t id);

}  // namespace kagibin::envelope
