// SPDX-License-Identifier: Apache-2.0
// How tokens, receipts and load file data block signatures are signed (GPCS 2.3.1, B.1.2.2, B.2.2,
// B.3, B.4; used by C.3 to C.5). The key says which scheme:
//
//   RSA to 1,024 bits   RSASSA-PKCS1-v1_5, SHA-1 (scheme 1)             octets of the modulus
//   RSA to 2,048 bits   RSASSA-PSS, SHA-256, salt of 32 (scheme 2)      octets of the modulus
//   RSA to 4,096 bits   RSASSA-PSS, SHA-512, salt of 64                 octets of the modulus
//   EC P-256, P-384     ECDSA, SHA-256 or SHA-384, r|s                  64 or 96
//   AES                 CMAC                                            16
//   3DES of 16 octets   single DES plus final triple DES MAC            8
//
// Functions without state. Verification is total: any octets give true or false.
//
//   const Bytes token = KB_TRY(sign(key, token_data(p1, p2, covered), rng));
#pragma once

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/gp/key/key.h"

namespace kagibin::gp {

// kNotSupported for a key that signs nothing (a public key, 3DES of 24 octets); kCrypto. The random
// source is asked by ECDSA and RSASSA-PSS.
Result<Bytes> sign(const Key& key, ByteView message, crypto::Rng& rng);

// False for a wrong signature, and for a key that verifies nothing (a private key alone).
bool verify(const Key& key, ByteView message, ByteView signature);

}  // namespace kagibin::gp
