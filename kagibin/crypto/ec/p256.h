// SPDX-License-Identifier: Apache-2.0
// What ec_key, ecdsa and ecdh share about the curve P-256 (SP 800-186, 3.2.1.3), in their own
// types. For crypto/ only.
#pragma once

#include <array>

#include "kagibin/base/bytes.h"
#include "kagibin/crypto/curve/curve_group.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {

inline bool is_p256_scalar(ByteView octets) { return is_scalar(Curve::kP256, octets); }
// 32 octets modulo n.
inline std::array<std::uint8_t, kEcScalarSize> reduce_modulo_order(ByteView octets) {
  std::array<std::uint8_t, kEcScalarSize> out{};
  reduce_modulo_order(Curve::kP256, octets, out);
  return out;
}

// The key for those calls of libcrypto that want one; null when libcrypto refuses.
inline PkeyPtr make_public_pkey(const EcPublicKey& key) {
  auto pkey = make_public_pkey(Curve::kP256, key.point());
  return pkey ? std::move(*pkey) : nullptr;
}
// The key pair for those calls of libcrypto that want one (PEM, X.509, CMS); null when libcrypto
// refuses. Signing and key agreement do without.
inline PkeyPtr make_key_pair(const EcPrivateKey& key) {
  return make_pkey_pair(Curve::kP256, key.public_key().point(), key.expose_scalar());
}

}  // namespace kagibin::crypto
