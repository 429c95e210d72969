// SPDX-License-Identifier: Apache-2.0
// Elliptic-curve Diffie-Hellman (SP 800-56A, 5.7.1.2): Z is the X coordinate, 32 octets on P-256,
// 48 on P-384.
#pragma once

#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/curve/curve_key.h"
#include "kagibin/crypto/ec/ec_key.h"

namespace kagibin::crypto {

// The peer's point was checked when its EcPublicKey was made, so it is not checked again here.
Result<SecretArray<32>> ecdh(const EcPrivateKey& own, const EcPublicKey& peer);
// kInvalidArgument for keys on different curves.
Result<SecretBytes> ecdh(const CurvePrivateKey& own, const CurvePublicKey& peer);

}  // namespace kagibin::crypto
