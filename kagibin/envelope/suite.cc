// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/suite.h"

#include <array>
#include <utility>

namespace kagibin::envelope {

namespace {

constexpr std::string_view kEcdsa = "ECDSA P-256 SHA-256";
constexpr std::size_t kSmallReassembly = 1'024;
constexpr std::size_t kLargeReassembly = 4'096;

constexpr std::array kSuites = {
    SuiteInfo{.suite = Suite::k01,
              .kem = "ECDH P-256",
              .kdf = "X9.63 SHA-256",
              .aead = "AES-128-CBC, AES-CMAC",
              .signature = kEcdsa,
              .hpke_kem = 0,
              .hpke_aead = 0,
              .key_size_bytes = 16,
              .enrolment_key_size = 65,
              .encapsulated_size = 65,
              .payload_max_size_bytes = 735,
              .reassembly_size_bytes = kSmallReassembly},
    SuiteInfo{.suite = Suite::k02,
              .kem = "ECDH P-256",
              .kdf = "X9.63 SHA-256",
              .aead = "AES-256-CBC, AES-CMAC",
              .signature = kEcdsa,
              .hpke_kem = 0,
              .hpke_aead = 0,
              .key_size_bytes = 32,
              .enrolment_key_size = 65,
              .encapsulated_size = 65,
              .payload_max_size_bytes = 735,
              .reassembly_size_bytes = kSmallReassembly},
    SuiteInfo{.suite = Suite::k10,
              .kem = "DHKEM P-256 HKDF-SHA256",
              .kdf = "HKDF-SHA256",
              .aead = "AES-128-GCM",
              .signature = kEcdsa,
              .hpke_kem = 0x0010,
              .hpke_aead = 0x0001,
              .key_size_bytes = 0,
              .enrolment_key_size = 65,
              .encapsulated_size = 65,
              .payload_max_size_bytes = 750,
              .reassembly_size_bytes = kSmallReassembly},
    SuiteInfo{.suite = Suite::k11,
              .kem = "DHKEM X25519 HKDF-SHA256",
              .kdf = "HKDF-SHA256",
              .aead = "AES-128-GCM",
              .signature = kEcdsa,
              .hpke_kem = 0x0020,
              .hpke_aead = 0x0001,
              .key_size_bytes = 0,
              .enrolment_key_size = 32,
              .encapsulated_size = 32,
              .payload_max_size_bytes = 783,
              .reassembly_size_bytes = kSmallReassembly},
    SuiteInfo{.suite = Suite::k20,
              .kem = "ML-KEM-768 with X25519 (X-Wing)",
              .kdf = "HKDF-SHA256",
              .aead = "AES-256-GCM",
              .signature = kEcdsa,
              .hpke_kem = 0x647A,
              .hpke_aead = 0x0002,
              .key_size_bytes = 0,
              .enrolment_key_size = 1'216,
              .encapsulated_size = 1'120,
              .payload_max_size_bytes = 2'765,
              .reassembly_size_bytes = kLargeReassembly},
    SuiteInfo{.suite = Suite::k21,
              .kem = "ML-KEM-768 with P-256",
              .kdf = "HKDF-SHA256",
              .aead = "AES-256-GCM",
              .signature = kEcdsa,
              .hpke_kem = 0x0050,
              .hpke_aead = 0x0002,
              .key_size_bytes = 0,
              .enrolment_key_size = 1'249,
              .encapsulated_size = 1'153,
              .payload_max_size_bytes = 2'732,
              .reassembly_size_bytes = kLargeReassembly},
};

// Defined by the protocol, section 6, and refused by name until they are built.
struct NotBuilt {
  std::uint8_t id = 0;
  Detail reason{};
};
constexpr std::array kSuitesNotBuilt = {
    NotBuilt{.id = 0x03, .reason = "suite 03 (AES-CCM) is defined but not built"},
    NotBuilt{.id = 0x08, .reason = "suite 08 (RSA-OAEP) is defined but not built"},
};

constexpr std::array kRelayLevels = {
    RelayLevelInfo{.level = RelayLevel::kRl1,
                   .name = "RL1",
                   .bitmap_bit = 0x01,
                   .known_to = "the service provider and the security module manager",
                   .not_safe_against = "the security module manager together with whoever listens "
                                       "between the KDA and the target"},
    RelayLevelInfo{.level = RelayLevel::kRl2,
                   .name = "RL2",
                   .bitmap_bit = 0x02,
                   .known_to = "nobody outside the element",
                   .not_safe_against = "whoever records the relay now and has a quantum computer "
                                       "later; no operator and no coalition of them"},
    RelayLevelInfo{.level = RelayLevel::kRl3,
                   .name = "RL3",
                   .bitmap_bit = 0x04,
                   .known_to = "the service provider",
                   .not_safe_against = "whoever records the relay now and learns that key set "
                                       "later; no operator and no coalition of them"},
    RelayLevelInfo{
        .level = RelayLevel::kRl4,
        .name = "RL4",
        .bitmap_bit = 0x08,
        .known_to = "nobody outside the element; its static Key-DEK, the service provider",
        .not_safe_against = "whoever records the relay now and later has both a quantum "
                            "computer and that Key-DEK"},
    RelayLevelInfo{.level = RelayLevel::kOs,
                   .name = "OS",
                   .bitmap_bit = 0x10,
                   .known_to = "nobody outside the element",
                   .not_safe_against =
                       "whoever records the envelope now and has a quantum computer "
                       "later, except in suites 20 and 21; no operator and no "
                       "coalition of them"},
};

constexpr std::array kRelayLevelsNotBuilt = {
    NotBuilt{.id = 0x00,
             .reason = "relay level RL0 is the conventional way, for comparison only: nothing is "
                       "delivered at it"},
};

}  // namespace

std::span<const SuiteInfo> suites() { return kSuites; }

Result<SuiteInfo> suite_info(std::uint8_t id) {
  for (const SuiteInfo& info : kSuites) {
    if (std::to_underlying(info.suite) == id) {
      return info;
    }
  }
  for (const NotBuilt& known : kSuitesNotBuilt) {
    if (known.id == id) {
      return fail(Errc::kNotSupported, known.reason);
    }
  }
  return fail(Errc::kValue, "there is no such cipher suite");
}

std::span<const RelayLevelInfo> relay_levels() { return kRelayLevels; }

Result<RelayLevelInfo> relay_level_info(std::uint8_t id) {
  for (const RelayLevelInfo& info : kRelayLevels) {
    if (std::to_underlying(info.level) == id) {
      return info;
    }
  }
  for (const NotBuilt& known : kRelayLevelsNotBuilt) {
    if (known.id == id) {
      return fail(Errc::kNotSupported, known.reason);
    }
  }
  return fail(Errc::kValue, "there is no such relay level");
}

Result<RelayLevelInfo> relay_level_by_name(std::string_view name) {
  if (name.size() == 3 && name.starts_with("RL") && name[2] >= '0' && name[2] <= '4') {
    return relay_level_info(static_cast<std::uint8_t>(name[2] - '0'));
  }
  if (name == "OS") {
    return relay_level_info(std::to_underlying(RelayLevel::kOs));
  }
  return fail(Errc::kValue, "a relay level is RL0 to RL4, or OS");
}

std::string relay_level_name(std::uint8_t id) {
  return id == std::to_underlying(RelayLevel::kOs) ? "OS" : "RL" + std::to_string(id);
}

}  // namespace kagibin::envelope
