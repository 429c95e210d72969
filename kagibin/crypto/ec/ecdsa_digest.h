// SPDX-License-Identifier: Apache-2.0
// ECDSA on a digest (FIPS 186-5, 6.4.1), and the two encodings of a signature. For crypto/ and its
// tests only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/curve/curve.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/crypto/sha256.h"

namespace kagibin::crypto {

using RawSignature = std::array<std::uint8_t, kEcdsaRawSize>;  // r | s

// Without additional input the signature is that of RFC 6979, 3.2. kCrypto when libcrypto fails.
Result<RawSignature> ecdsa_sign_digest(const EcPrivateKey& key,
                                       const Digest256& digest,
                                       ByteView additional_input);

// The same on either curve, into r | s: digest and scalar have the length of its order, `out` has
// twice that.
Result<void> ecdsa_sign_digest(
    Curve curve, ByteView scalar, ByteView digest, ByteView additional_input, MutableByteView out);

// SEQUENCE { INTEGER r, INTEGER s } (SEC 1, C.5) in DER. Precondition: 64 or 96 octets, r | s.
Bytes ecdsa_raw_to_der(ByteView raw);
// Empty for everything that is not the DER of two integers in [0, 2^256).
std::optional<RawSignature> ecdsa_der_to_raw(ByteView der);

}  // namespace kagibin::crypto
