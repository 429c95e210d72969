// SPDX-License-Identifier: Apache-2.0
// The KEMs of HPKE that the suites use, by their numbers in the IANA registry, and keys of them.
//
//   0010  DHKEM(P-256, HKDF-SHA256)    RFC 9180, 4.1 and 7.1
//   0020  DHKEM(X25519, HKDF-SHA256)   RFC 9180, 4.1 and 7.1
//   0050  MLKEM768-P256                drafts hpke-pq-04, concrete-hybrid-kems-02
//   647A  MLKEM768-X25519, X-Wing      the same, and xwing-kem-10
//
// (draft-ietf-hpke-pq, draft-irtf-cfrg-concrete-hybrid-kems, draft-connolly-cfrg-xwing-kem.)
//
//   KEM    public key  private key  enc
//   0010       65      32 scalar      65
//   0020       32      32 scalar      32
//   0050    1,249      32 seed     1,153
//   647A    1,216      32 seed     1,120
//
// The hybrids need ML-KEM in the libcrypto of the process (ml_kem.h): kNotSupported without. A
// public key is checked when it is made: P-256 and the ML-KEM half against their standards; what
// X25519 cannot be looked at for is refused at agreement. A private key is move-only and wiped.
// Thread-safety: const use may be shared.
//
//   const KemPrivateKey key = KB_TRY(KemPrivateKey::generate(HpkeKem::kX25519, rng));
//   const Encapsulated sent = KB_TRY(encapsulate(key.public_key(), rng));
//   const SecretArray<32> shared = KB_TRY(decapsulate(key, sent.enc));
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/rng.h"

namespace kagibin::crypto {

enum class HpkeKem : std::uint16_t {
  kP256 = 0x0010,
  kX25519 = 0x0020,
  kMlKem768P256 = 0x0050,
  kMlKem768X25519 = 0x647A,
};

// The KEM of a registry number: kNotSupported for one that is not among these, and for a hybrid
// where libcrypto has no ML-KEM.
Result<HpkeKem> hpke_kem(std::uint16_t number);
std::size_t public_key_size(HpkeKem kem);
std::size_t encapsulation_size(HpkeKem kem);

class KemPublicKey {
 public:
  // kLength, kValue; kNotSupported as above.
  static Result<KemPublicKey> from(HpkeKem kem, ByteView octets);
  // NOLINTNEXTLINE(google-explicit-constructor): a checked point of P-256 is a key of that KEM
  KemPublicKey(const EcPublicKey& key)
      : kem_(HpkeKem::kP256), octets_(key.point().begin(), key.point().end()) {}

  HpkeKem kem() const { return kem_; }
  const Bytes& octets() const { return octets_; }
  // kInvalidArgument for a key of another KEM.
  Result<EcPublicKey> on_p256() const;

 private:
  friend class KemPrivateKey;
  KemPublicKey(HpkeKem kem, Bytes octets) : kem_(kem), octets_(std::move(octets)) {}
  HpkeKem kem_;
  Bytes octets_;
};

class KemPrivateKey {
 public:
  // kCrypto when the source fails.
  static Result<KemPrivateKey> generate(HpkeKem kem, Rng& rng);
  // Of 32 octets: scalar or seed. kLength, kValue; kNotSupported as above.
  static Result<KemPrivateKey> from(HpkeKem kem, ByteView octets);
  static KemPrivateKey of(const EcPrivateKey& key);

  HpkeKem kem() const { return kem_; }
  // Of P-256: computed when it is asked for, unless somebody said which it is.
  KemPublicKey public_key() const;
  ByteView expose() const { return octets_.expose(); }
  // kInvalidArgument for a key of another KEM.
  Result<EcPrivateKey> on_p256() const;

 private:
  KemPrivateKey(HpkeKem kem, SecretArray<32> octets, std::optional<KemPublicKey> public_key)
      : kem_(kem), octets_(std::move(octets)), public_key_(std::move(public_key)) {}
  HpkeKem kem_;
  SecretArray<32> octets_;
  std::optional<KemPublicKey> public_key_;  // empty for P-256 alone
};

struct Encapsulated {
  Bytes enc;
  SecretArray<32> shared;
};
// One fresh shared secret. kCrypto, and kValue for a key of X25519 that gives none.
Result<Encapsulated> encapsulate(const KemPublicKey& recipient, Rng& rng);
// kLength, and kValue for a point that is not on the curve or gives no shared secret.
Result<SecretArray<32>> decapsulate(const KemPrivateKey& own, ByteView enc);

}  // namespace kagibin::crypto
