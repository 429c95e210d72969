// SPDX-License-Identifier: Apache-2.0
// The SHA-2 family (FIPS 180-4) where a protocol chooses the member: SHA-256, SHA-384, SHA-512 over
// one or several pieces, read as one string of octets. What is SHA-256 for good says so: sha256.h.
//
//   const Bytes value = digest(HashAlgorithm::kSha384, {message});
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "kagibin/base/bytes.h"
#include "kagibin/base/secret.h"

namespace kagibin::crypto {

// SHA-1 is for signatures and hashes of older cards (GPCS B.3.1, C.2) and nothing of ours.
enum class HashAlgorithm : std::uint8_t { kSha256, kSha384, kSha512, kSha1 };

inline constexpr std::size_t kLargestDigestSize = 64;
// 32, 48 or 64 octets; 20 of SHA-1.
constexpr std::size_t digest_size(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::kSha256:
      return 32;
    case HashAlgorithm::kSha384:
      return 48;
    case HashAlgorithm::kSha1:
      return 20;
    default:
      return 64;
  }
}

Bytes digest(HashAlgorithm algorithm, std::initializer_list<ByteView> pieces);
// The same of secret pieces.
SecretBytes secret_digest(HashAlgorithm algorithm, std::initializer_list<ByteView> pieces);

}  // namespace kagibin::crypto
