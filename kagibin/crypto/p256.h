// SPDX-License-Identifier: Apache-2.0
// What ec_key, ecdsa and ecdh share about the curve P-256 (SP 800-186, 3.2.1.3). For crypto/ only.
//
// Ownership: the group lives as long as the process. Thread-safety: const use may be shared.
#pragma once

#include "kagibin/base/bytes.h"
#include "kagibin/crypto/ec_key.h"
#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {

const EC_GROUP* p256_group();

// True when 32 octets, read big-endian, are in [1, n-1]. In time that does not depend on them.
bool is_p256_scalar(ByteView octets);
// The 32 octets modulo n: one subtraction, for they are below 2n. For hash values, which are
// public.
std::array<std::uint8_t, kEcScalarSize> reduce_modulo_order(ByteView octets);

// The key pair for those calls of libcrypto that want one (PEM, X.509, CMS); null when libcrypto
// refuses. Signing and key agreement do without: it costs as much as a signature.
PkeyPtr make_key_pair(const EcPrivateKey& key);

// A big number that libcrypto treats as secret; null when memory is short.
BignumPtr secret_bignum(ByteView octets);

}  // namespace kagibin::crypto
