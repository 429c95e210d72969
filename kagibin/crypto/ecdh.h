// SPDX-License-Identifier: Apache-2.0
// Elliptic-curve Diffie-Hellman on P-256 (SP 800-56A, 5.7.1.2): Z is the X coordinate, 32 octets.
#pragma once

#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/ec_key.h"

namespace kagibin::crypto {

// The peer's point was checked when its EcPublicKey was made, so it is not checked again here.
Result<SecretArray<32>> ecdh(const EcPrivateKey& own, const EcPublicKey& peer);

}  // namespace kagibin::crypto
