// SPDX-License-Identifier: Apache-2.0
// What a key may be used for and by whom (GPCS 2.3.1, 11.1.9 and 11.1.10): it comes with keys in
// the extended format, and is told by GET DATA 00E0 in the extended format.
//
//   usage   b8 verification, encipherment | b7 computation, decipherment | b6 secure messaging in
//           responses | b5 in commands | b4 confidentiality | b3 cryptographic checksum | b2
//           digital signature | b1 cryptographic authorization; second octet: b8 key agreement
//   access  00 the domain and its applications, 01 the domain alone, 02 its applications alone
//
// Both are optional: a length of 00, or usage 00, says nothing, and allows what the key's place
// allows.
#pragma once

#include <array>
#include <cstdint>

#include "kagibin/base/byte_io.h"

namespace kagibin::gp {

struct KeyPolicy {
  static constexpr std::uint8_t kVerification = 0x80;
  static constexpr std::uint8_t kComputation = 0x40;
  static constexpr std::uint8_t kKeyAgreement = 0x80;  // of the second octet
  static constexpr std::uint8_t kDomainAndApplications = 0x00;
  static constexpr std::uint8_t kDomainOnly = 0x01;
  static constexpr std::uint8_t kApplicationsOnly = 0x02;

  // The first `usage_size` octets, 0 to 2; the others are 00.
  std::array<std::uint8_t, 2> usage{};
  std::uint8_t usage_size = 0;
  bool says_access = false;
  std::uint8_t access = kDomainAndApplications;

  // Length of usage | usage | length of access | access. kLength, kTruncated.
  static Result<KeyPolicy> read(ByteReader& in);
  void write(ByteWriter& out) const;

  bool is_for_domain() const { return access != kApplicationsOnly; }
  bool says_usage() const { return usage[0] != 0 || usage[1] != 0; }
  // The domain itself may use the key, and for this (bits of the first octet of usage).
  bool allows_domain(std::uint8_t use) const {
    return is_for_domain() && (!says_usage() || (usage[0] & use) != 0);
  }
  // The domain itself may agree on keys with it.
  bool allows_agreement() const {
    return is_for_domain() && (!says_usage() || (usage[1] & kKeyAgreement) != 0);
  }
  friend bool operator==(const KeyPolicy&, const KeyPolicy&) = default;
};

}  // namespace kagibin::gp
