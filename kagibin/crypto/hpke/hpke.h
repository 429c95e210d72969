// SPDX-License-Identifier: Apache-2.0
// Hybrid Public Key Encryption (RFC 9180) in base mode, one message a key (6.1): KEM of kem.h, KDF
// HKDF-SHA256 (0001), AEAD AES-128-GCM (0001) or AES-256-GCM (0002). Written over EVP primitives:
// OpenSSL 3.0 has no HPKE (doc/decisions).
//
// Failures: kAuthentication for whatever does not open, one code for a wrong length, a point off
// the curve and a wrong tag; kNotSupported for a KEM that libcrypto lacks; kCrypto from the library
// or the random source. The ciphertext is 16 octets longer than the plaintext. Modes psk, auth and
// auth_psk, exporter and further messages are not here. Thread-safety: functions.
//
//   const HpkeAead aead = HpkeAead::kAes128Gcm;
//   const HpkeSealed sealed = KB_TRY(hpke_seal(aead, recipient, {info, aad}, plaintext, rng));
//   const SecretBytes opened = KB_TRY(hpke_open(aead, own, {info, aad}, sealed));
#pragma once

#include <cstdint>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/hpke/kem.h"
#include "kagibin/crypto/rng.h"

namespace kagibin::crypto {

enum class HpkeAead : std::uint16_t { kAes128Gcm = 0x0001, kAes256Gcm = 0x0002 };

inline constexpr std::size_t kHpkeTagSize = 16;

// What both sides bind the message to.
struct HpkeContext {
  ByteView info;
  ByteView aad;
};

struct HpkeSealed {
  Bytes enc;
  Bytes ciphertext;  // with its tag
};

Result<HpkeSealed> hpke_seal(HpkeAead aead,
                             const KemPublicKey& recipient,
                             const HpkeContext& context,
                             ByteView plaintext,
                             Rng& rng);
Result<SecretBytes> hpke_open(HpkeAead aead,
                              const KemPrivateKey& own,
                              const HpkeContext& context,
                              const HpkeSealed& sealed);

// KeySchedule of 5.1 in base mode, for the two above and for tests.
struct HpkeKeys {
  SecretBytes key;         // 16 or 32
  SecretBytes base_nonce;  // 12
};
Result<HpkeKeys> hpke_key_schedule(HpkeKem kem, HpkeAead aead, ByteView shared, ByteView info);

}  // namespace kagibin::crypto
