// SPDX-License-Identifier: Apache-2.0
// Key information, GET DATA 00E0 (GPCS 2.3.1, 11.3.3.1, table 11-28): which keys a security domain
// holds, never what they are.
//
//   E0 { C0 { KID | KVN | (type | length) x 1..n } ... }
//
// Limits: the basic form; the extended one (type FF) is refused with kNotSupported. Values.
//
//   const auto keys = KB_TRY(KeyInformation::decode(answer));
//   if (keys.holds(0x31)) { ... }
#pragma once

#include <cstdint>
#include <vector>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::gp {

struct KeyComponent {
  std::uint8_t type = 0;  // table 11-16: 88 AES, 80 DES, B0 EC public, ...
  std::uint8_t length_bytes = 0;
  friend bool operator==(KeyComponent, KeyComponent) = default;
};

struct KeyEntry {
  std::uint8_t identifier = 0;
  std::uint8_t version = 0;
  std::vector<KeyComponent> components{};  // one for a symmetric key
  friend bool operator==(const KeyEntry&, const KeyEntry&) = default;
};

struct KeyInformation {
  std::vector<KeyEntry> keys{};

  static Result<KeyInformation> decode(ByteView octets);
  // Precondition: every entry has 1 to 100 components (KB_CHECK).
  Bytes encode() const;
  bool holds(std::uint8_t version) const;
  bool holds(std::uint8_t version, std::uint8_t identifier) const;
  friend bool operator==(const KeyInformation&, const KeyInformation&) = default;
};

}  // namespace kagibin::gp
