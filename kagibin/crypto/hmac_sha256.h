// SPDX-License-Identifier: Apache-2.0
// HMAC-SHA256 and HMAC-SHA384 (RFC 2104), for the per-message secrets of ECDSA: no allocation, and
// every intermediate value wiped. For crypto/ only.
//
//   const SecretArray<32> v = hmac_sha256(key.expose(), {v.expose(), tail});
#pragma once

#include <initializer_list>

#include "kagibin/base/bytes.h"
#include "kagibin/base/secret.h"

namespace kagibin::crypto {

// Precondition: the key has at most 64 octets.
SecretArray<32> hmac_sha256(ByteView key, std::initializer_list<ByteView> pieces);
// Precondition: the key has at most 128 octets.
SecretArray<48> hmac_sha384(ByteView key, std::initializer_list<ByteView> pieces);

}  // namespace kagibin::crypto
