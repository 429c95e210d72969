// SPDX-License-Identifier: Apache-2.0
// HKDF's second step (RFC 5869, 2.3), as TLS 1.3 derives record keys with it (RFC 8446, 7.1).
//
// Failures: kInvalidArgument for a pseudo-random key shorter than the hash and for more than 255
// blocks of output. Thread-safety: functions.
//
//   const SecretBytes key = KB_TRY(hkdf_expand(HkdfHash::kSha384, secret.expose(), info, 32));
#pragma once

#include <cstdint>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::crypto {

enum class HkdfHash : std::uint8_t { kSha256, kSha384 };

Result<SecretBytes> hkdf_expand(HkdfHash hash,
                                ByteView pseudo_random_key,
                                ByteView info,
                                std::size_t size);

}  // namespace kagibin::crypto
