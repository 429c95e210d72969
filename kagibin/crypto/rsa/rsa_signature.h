// SPDX-License-Identifier: Apache-2.0
// RSA signatures (RFC 8017, 8.1 and 8.2): RSASSA-PKCS1-v1_5 and RSASSA-PSS with MGF1 of the same
// hash and a salt as long as it. Which scheme GlobalPlatform wants of which key is
// gp/delegated/signature.h.
//
// Verification is total: any octets give true or false. Failures of signing: kCrypto.
//
//   const Bytes s = KB_TRY(rsa_sign(key, RsaScheme::kPssSha256, {message}, rng));
//   if (!rsa_verify(public_key, RsaScheme::kPssSha256, {message}, s)) { ... }
#pragma once

#include <cstdint>
#include <initializer_list>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/crypto/rsa/rsa_key.h"

namespace kagibin::crypto {

enum class RsaScheme : std::uint8_t { kPkcs1Sha1, kPkcs1Sha256, kPssSha256, kPssSha512 };

// The random source gives the salt of PSS and is not asked by the others.
Result<Bytes> rsa_sign(const RsaPrivateKey& key,
                       RsaScheme scheme,
                       std::initializer_list<ByteView> message,
                       Rng& rng);

bool rsa_verify(const RsaPublicKey& key,
                RsaScheme scheme,
                std::initializer_list<ByteView> message,
                ByteView signature);

}  // namespace kagibin::crypto
