// SPDX-License-Identifier: Apache-2.0
// SCP11, GlobalPlatform Card Specification Amendment F v1.3: names, parameters and key references
// shared by both ends. The off-card entity is scp11_host.h, the security domain scp11_card.h.
//
//         agrees on keys by              host authenticated by    keys come from
//     a   MUTUAL AUTHENTICATE, KID 11    CERT.OCE.ECKA (PSO)      eOCE x eSD | OCE x SD
//     b   INTERNAL AUTHENTICATE, KID 13  nothing                  eOCE x eSD | eOCE x SD
//     c   MUTUAL AUTHENTICATE, KID 15    CERT.OCE.ECKA (PSO)      eOCE x SD  | OCE x SD
//
// In SCP11c the security domain makes no key: 5F49 of its answer is PK.SD.ECKA, and a script with
// its answers can be made without the card and sent again. Session keys are AES-128, -192 or -256;
// secure messaging is SCP03's, S8 or S16, at level C-MAC and R-MAC (key usage 34) or all (3C), its
// first chaining value the receipt. Curves: P-256, P-384. Thread-safety: values.
#pragma once

#include <cstdint>
#include <optional>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/curve/curve.h"
#include "kagibin/scp/protocol_identifier.h"
#include "kagibin/scp/security_level.h"

namespace kagibin::scp {

enum class Scp11Variant : std::uint8_t { kA, kB, kC };

// A key by KID and KVN, in this order in tag 83 and in P2 P1 of commands.
struct KeyReference {
  std::uint8_t identifier = 0;  // KID
  std::uint8_t version = 0;     // KVN
  friend bool operator==(KeyReference, KeyReference) = default;
};

// Key identifiers (Amendment F v1.3, 5.1): PK.CA-KLOC.ECDSA, further ones from 20 to 2F; SK.SD.ECKA
// of SCP11a, b, c; and behind each the optional static Key-DEK of that variant.
inline constexpr std::uint8_t kKidCaKloc = 0x10;
inline constexpr std::uint8_t kKidFirstFurtherCaKloc = 0x20;
inline constexpr std::uint8_t kKidLastFurtherCaKloc = 0x2F;
inline constexpr std::uint8_t kKidScp11a = 0x11;
inline constexpr std::uint8_t kKidScp11b = 0x13;
inline constexpr std::uint8_t kKidScp11c = 0x15;
constexpr bool is_ca_kloc(std::uint8_t identifier) {
  return identifier == kKidCaKloc ||
         (identifier >= kKidFirstFurtherCaKloc && identifier <= kKidLastFurtherCaKloc);
}
constexpr std::uint8_t agreement_key_identifier(Scp11Variant variant) {
  switch (variant) {
    case Scp11Variant::kA:
      return kKidScp11a;
    case Scp11Variant::kB:
      return kKidScp11b;
    default:
      return kKidScp11c;
  }
}
constexpr std::uint8_t static_dek_identifier(Scp11Variant variant) {
  return static_cast<std::uint8_t>(agreement_key_identifier(variant) + 1);
}
// True of 11, 13 and 15.
constexpr bool is_agreement_key(std::uint8_t identifier) {
  return identifier == kKidScp11a || identifier == kKidScp11b || identifier == kKidScp11c;
}

namespace ins {
inline constexpr std::uint8_t kPerformSecurityOperation = 0x2A;
inline constexpr std::uint8_t kMutualAuthenticate = 0x82;
inline constexpr std::uint8_t kInternalAuthenticate = 0x88;
}  // namespace ins

// Key usage qualifier of the session keys, 95 of the control reference template: secure messaging
// with MACs alone, or with encryption.
inline constexpr std::uint8_t kUsageMac = 0x34;
inline constexpr std::uint8_t kUsageMacAndEncryption = 0x3C;
// 11 or 33, in SCP03's coding. kValue for another qualifier.
Result<SecurityLevel> level_of_usage(std::uint8_t key_usage);

// The parameter "i" (Amendment F v1.3, 7.1): which of SCP11 a card speaks, in one octet or two.
// Card recognition data (GPCS H.2) carries the octets as they are as one arc of an object
// identifier: b8 of the first announces the second, as BER says of arcs.
struct Scp11Parameter {
  std::uint8_t first = 0;   // without b8
  std::uint8_t second = 0;  // b8 is 0

  bool a() const { return (first & 0x01U) != 0; }
  bool b() const { return (first & 0x02U) != 0; }
  bool keeps_host_key() const { return (first & 0x04U) != 0; }  // PK.OCE.ECKA outlives the session
  bool chains() const { return (first & 0x08U) != 0; }
  bool c() const { return (first & 0x10U) != 0; }
  bool authorizations_of_c() const { return (first & 0x20U) != 0; }  // BF20
  bool s16() const { return (first & 0x40U) != 0; }
  bool authorizations_of_a() const { return (second & 0x01U) != 0; }
  bool x509() const { return (second & 0x02U) != 0; }
  bool own_format() const { return (second & 0x04U) == 0; }  // GlobalPlatform's certificates
  bool speaks(Scp11Variant variant) const;
  std::size_t mac_size() const { return s16() ? 16 : 8; }

  // As the number that the arc is: at most 14 bits, kNotSupported for more.
  static Result<Scp11Parameter> from(std::uint16_t arc);
  std::uint16_t arc() const;
  // As INSTALL and template 67 carry it, b8 included: 1B, or 9B 02.
  Bytes octets() const;
  // As INSTALL carries it, b8 included: 1B, or 9B 02. kNotSupported for more octets, kValue when b8
  // does not say how many there are.
  static Result<Scp11Parameter> from_octets(ByteView octets);
  friend bool operator==(Scp11Parameter, Scp11Parameter) = default;
};
// What security domains here speak: a, b, c, chains, both formats, in S8 and in S16. On the wire 9B
// 02 and DB 02.
inline constexpr Scp11Parameter kScp11S8{0x1B, 0x02};
inline constexpr Scp11Parameter kScp11S16{0x5B, 0x02};

// What goes into the derivation when b3 of the parameters in 90 asks for it (SharedInfo).
struct Scp11CardIdentity {
  Bytes sin{};            // of the security domain, 42: SCP11a and b
  Bytes sdin{};           // 45: SCP11a and b
  Bytes card_group_id{};  // SCP11c
};

}  // namespace kagibin::scp
