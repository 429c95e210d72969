// SPDX-License-Identifier: Apache-2.0
// Privileges of an application or security domain (GPCS 2.3.1, 6.6.1 and tables 11-7 to 11-9).
//
// Three octets, held as one number of 24 bits, first octet highest. On the wire one octet (the
// second and third are zero) or three. Thread-safety: value.
//
//   Privileges p = KB_TRY(Privileges::decode(field));
//   if (p.has(Privileges::kSecurityDomain)) { ... }
#pragma once

#include <cstdint>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::gp {

struct Privileges {
  // Octet 1 (table 11-7).
  static constexpr std::uint32_t kSecurityDomain = 0x800000;
  static constexpr std::uint32_t kDapVerification = 0x400000;  // with kSecurityDomain only
  static constexpr std::uint32_t kDelegatedManagement = 0x200000;
  static constexpr std::uint32_t kCardLock = 0x100000;
  static constexpr std::uint32_t kCardTerminate = 0x080000;
  static constexpr std::uint32_t kCardReset = 0x040000;  // once called Default Selected
  static constexpr std::uint32_t kCvmManagement = 0x020000;
  static constexpr std::uint32_t kMandatedDapVerification = 0x010000;  // with kDapVerification
  // Octet 2 (table 11-8).
  static constexpr std::uint32_t kTrustedPath = 0x008000;
  static constexpr std::uint32_t kAuthorizedManagement = 0x004000;
  static constexpr std::uint32_t kTokenVerification = 0x002000;
  static constexpr std::uint32_t kGlobalDelete = 0x001000;
  static constexpr std::uint32_t kGlobalLock = 0x000800;
  static constexpr std::uint32_t kGlobalRegistry = 0x000400;
  static constexpr std::uint32_t kFinalApplication = 0x000200;
  static constexpr std::uint32_t kGlobalService = 0x000100;
  // Octet 3 (table 11-9); the other bits are reserved.
  static constexpr std::uint32_t kReceiptGeneration = 0x000080;
  static constexpr std::uint32_t kCipheredLoadFileDataBlock = 0x000040;
  static constexpr std::uint32_t kContactlessActivation = 0x000020;
  static constexpr std::uint32_t kContactlessSelfActivation = 0x000010;

  std::uint32_t bits = 0;

  // kLength unless one or three octets. Takes any bits, as a registry of some card may show them.
  static Result<Privileges> decode(ByteView octets);
  // kValue for reserved bits, for privileges that only a security domain has without
  // kSecurityDomain, and for mandated DAP verification without DAP verification (6.6.2).
  Result<void> check() const;
  // One octet when the others are zero, else three.
  Bytes encode() const;
  // Always three octets, as GET STATUS answers.
  Bytes encode_three() const;
  bool has(std::uint32_t all_of) const { return (bits & all_of) == all_of; }
  friend bool operator==(Privileges, Privileges) = default;
};

}  // namespace kagibin::gp
