// SPDX-License-Identifier: Apache-2.0
// Key information, GET DATA 00E0 (GPCS 2.3.1, 11.3.3.1): which keys a security domain holds, never
// what they are.
//
//   E0 { C0 { KID | KVN | components } ... }
//   components, basic      (type | length) x 1..n; length 00 is 256 or more
//   components, extended   (FF | type | length, 2 octets) x 1..n | usage length | usage
//                          | access length | access                              (key_policy.h)
//
// An element tells a key in the extended format when it came with usage or access, or has a
// component longer than 255 octets. Limits: 100 components a key. Values.
//
//   const auto keys = KB_TRY(KeyInformation::decode(answer));
//   if (keys.holds(0x31)) { ... }
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/gp/key/key_policy.h"

namespace kagibin::gp {

struct KeyComponent {
  std::uint8_t type = 0;           // table 11-16: 88 AES, 80 DES, B0 EC public, ...
  std::uint16_t length_bytes = 0;  // in the basic format 0: 256 or more
  friend bool operator==(KeyComponent, KeyComponent) = default;
};

struct KeyEntry {
  std::uint8_t identifier = 0;
  std::uint8_t version = 0;
  std::vector<KeyComponent> components{};  // one for a symmetric key
  std::optional<KeyPolicy> policy{};       // with one: the extended format
  friend bool operator==(const KeyEntry&, const KeyEntry&) = default;
};

struct KeyInformation {
  std::vector<KeyEntry> keys{};

  // kValue for a key in both formats, kTruncated, kTrailing, kEncoding, kLength.
  static Result<KeyInformation> decode(ByteView octets);
  // Precondition: every entry has 1 to 100 components, and those of the basic format at most 255
  // octets (KB_CHECK).
  Bytes encode() const;
  bool holds(std::uint8_t version) const;
  bool holds(std::uint8_t version, std::uint8_t identifier) const;
  friend bool operator==(const KeyInformation&, const KeyInformation&) = default;
};

}  // namespace kagibin::gp
