// SPDX-License-Identifier: Apache-2.0
// The data of STATEMENT (INS 1C): what the controlling authority tells every KDA; anyone may carry
// it (protocol, sections 7, 9 and 11).
//
//   80 01 kind | 81 var value | 9E 08-48 ECDSA over "KB1-AUT" | TLVs 80..81
//     01 tick      81 04 minutes since 2020-01-01 UTC; authTime only rises
//     02 minEpoch  81 02; only rises
//     03 root      81 45 number (4) | point (65): the authority's other key goes into the slot that
//                  did not sign. One series of numbers for both roots, from 1; only rises
//
// Codec only, the signature is not checked. decode() is total; what decodes encodes to the same
// octets.
#pragma once

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::kda {

struct AuthorityStatement {
  static constexpr std::size_t kRootNumberSize = 4;
  static constexpr std::size_t kRootPointSize = 65;

  enum class Kind : std::uint8_t { kTick = 0x01, kMinEpoch = 0x02, kRoot = 0x03 };

  Kind kind = Kind::kTick;
  Bytes value;      // of the length that the kind has
  Bytes signature;  // DER

  static Result<AuthorityStatement> decode(ByteView octets);
  Bytes signed_part() const;  // TLVs 80..81
  Bytes encode() const;
  friend bool operator==(const AuthorityStatement&, const AuthorityStatement&) = default;
};

}  // namespace kagibin::kda
