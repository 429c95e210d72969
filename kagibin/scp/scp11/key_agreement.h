// SPDX-License-Identifier: Apache-2.0
// MUTUAL AUTHENTICATE and INTERNAL AUTHENTICATE of SCP11 as octets (Amendment F v1.3, 7.6 and 7.7).
//
//   command  A6 { 90 02 11 parameters | 95 01 key usage | 80 01 88 | 81 01 key length | 84 host ID
//   }
//            5F49 ePK.OCE.ECKA
//            parameters: b1 mutual authentication, b2 with b1 SCP11c, b3 identities in the
//            derivation; 84 (1 to 16 octets) stands there exactly when b3 is set
//   answer   5F49 ePK.SD.ECKA (SCP11c: PK.SD.ECKA) | 86 10 receipt
//
// Decoders are total and take one order of objects. Points are not checked here: their curve is the
// key's. Ownership: values.
#pragma once

#include <array>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/scp/scp11/scp11.h"

namespace kagibin::scp {

inline constexpr std::uint8_t kKeyTypeAes = 0x88;  // GPCS 2.3.1, table 11-16

struct KeyAgreementRequest {
  Scp11Variant variant = Scp11Variant::kB;
  bool with_identities = false;
  std::uint8_t key_usage = kUsageMacAndEncryption;
  std::uint8_t key_size = 16;  // octets of each session key: 16, 24, 32
  Bytes host_id{};
  Bytes ephemeral_point{};  // ePK.OCE.ECKA

  // kTruncated, kTrailing, kUnexpectedTag, kLength, kEncoding; kValue for reserved parameters, key
  // usages, types and sizes.
  static Result<KeyAgreementRequest> decode(ByteView data);
  // Precondition: what decode() would take (KB_CHECK).
  Bytes encode() const;
  friend bool operator==(const KeyAgreementRequest&, const KeyAgreementRequest&) = default;
};

struct KeyAgreementAnswer {
  Bytes point{};
  crypto::AesBlock receipt{};

  static Result<KeyAgreementAnswer> decode(ByteView data);
  Bytes encode() const;
  friend bool operator==(const KeyAgreementAnswer&, const KeyAgreementAnswer&) = default;
};

}  // namespace kagibin::scp
