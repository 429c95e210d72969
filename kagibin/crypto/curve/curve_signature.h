// SPDX-License-Identifier: Apache-2.0
// Verification of one ECDSA signature on a digest (FIPS 186-5, 6.4.2). For crypto/ only.
//
// By libcrypto's own verification on its EC_KEY: the EVP interface comes down to the same, and
// copies the key into a provider on the way. Thread-safety: any.
#pragma once

#include "kagibin/base/bytes.h"
#include "kagibin/crypto/curve/curve.h"

namespace kagibin::crypto {

// `signature` is r | s, each coordinate_size() octets; false for every other length, for a point
// that is not on the curve, and for r or s outside [1, n-1].
bool verify_signature(Curve curve, ByteView point, ByteView digest, ByteView signature);

}  // namespace kagibin::crypto
