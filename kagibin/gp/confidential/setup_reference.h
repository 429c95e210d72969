// SPDX-License-Identifier: Apache-2.0
// What key set scenario 3 makes: the control reference template of Amendment A (v1.2;
// Amendment E before it), with the parameter that SGP.02 adds for signed requests.
//
//   A6 { 90 02 03 parameters | 95 01 10 | [96 01 access] | 80 01 88 | 81 01 key length
//        | [82 01 01] | 83 01 KVN | [91 00-08 counter] | [45 CIN | 84 host ID] }
//   parameters  b4 a certificate was verified before (SGP.02) | b3 identities in the derivation: 45
//               and 84 stand there exactly then | b2 a derivation random | b1 all keys of the
//               domain that are there are deleted
//   95          three secure channel keys. 5C, one base key, is not built here
//   access      00 the domain and its applications, 01 the domain, 02 its applications
//   counter     of the set's sequence counter: absent, empty or zeros
//
// Decoders are total and take one order of objects. Limits: CIN and host ID 1 to 16 octets. What of
// this was read where: doc/decisions/0006. Ownership: values.
//
//   const SetupReference reference{.deletes_existing = true, .certified = true, .key_version =
//   0x31};
#pragma once

#include <cstdint>
#include <optional>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::gp {

struct SetupReference {
  static constexpr std::uint8_t kThreeChannelKeys = 0x10;  // key usage qualifier

  bool deletes_existing = false;
  bool with_random = false;
  bool with_identities = false;
  bool certified = false;
  std::optional<std::uint8_t> access{};
  std::uint8_t key_size = 16;     // octets of each key: 16, 24, 32
  bool names_identifier = false;  // 82 01 01 stands there
  std::uint8_t key_version = 0x01;
  std::optional<Bytes> counter{};
  Bytes cin{};
  Bytes host_id{};

  // kTruncated, kTrailing, kUnexpectedTag, kLength, kEncoding; kNotSupported for another scenario,
  // one base key, DES keys, another KID or counter; kValue for reserved parameters, key sizes, KVNs
  // outside 01 to 7F and accesses.
  static Result<SetupReference> decode(ByteView octets);
  // Precondition: what decode() would take (KB_CHECK).
  Bytes encode() const;
  friend bool operator==(const SetupReference&, const SetupReference&) = default;
};

}  // namespace kagibin::gp
