// SPDX-License-Identifier: Apache-2.0
// RSA keys (RFC 8017, 3) as PUT KEY carries them: modulus and exponent, or modulus and private
// exponent, or the five numbers of the Chinese remainder form.
//
// Limits: a modulus of 1,024 to 4,096 bits in whole octets, its top bit set, odd; a public exponent
// of 3 or more, odd, up to eight octets. Primality is not checked: who puts a key answers for it.
// Leading zero octets are taken away. Ownership: public keys are values; a private key is move-only
// and its numbers stay in secret types. Thread-safety: const use may be shared.
//
//   const RsaPublicKey key = KB_TRY(RsaPublicKey::from(modulus, exponent));
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

struct evp_pkey_st;

namespace kagibin::crypto {

inline constexpr std::size_t kRsaMinSize = 128;  // octets of a modulus
inline constexpr std::size_t kRsaMaxSize = 512;

class RsaPublicKey {
 public:
  // kValue outside the limits above.
  static Result<RsaPublicKey> from(ByteView modulus, ByteView exponent);
  // SubjectPublicKeyInfo (RFC 5280, 4.1.2.7) in DER. kEncoding when it is none of an RSA key.
  static Result<RsaPublicKey> from_der(ByteView octets);

  const Bytes& modulus() const { return modulus_; }
  const Bytes& exponent() const { return exponent_; }
  std::size_t size() const { return modulus_.size(); }  // octets of a signature
  evp_pkey_st* handle() const { return key_.get(); }    // for crypto/ only
  friend bool operator==(const RsaPublicKey& a, const RsaPublicKey& b) {
    return a.modulus_ == b.modulus_ && a.exponent_ == b.exponent_;
  }

 private:
  RsaPublicKey(Bytes modulus, Bytes exponent, std::shared_ptr<evp_pkey_st> key)
      : modulus_(std::move(modulus)), exponent_(std::move(exponent)), key_(std::move(key)) {}
  Bytes modulus_;
  Bytes exponent_;
  std::shared_ptr<evp_pkey_st> key_;
};

// The Chinese remainder form (RFC 8017, 3.2): A4 to A8 of GPCS table 11-16.
struct RsaCrtNumbers {
  ByteView p;
  ByteView q;
  ByteView q_inverse;  // of q modulo p
  ByteView dp;
  ByteView dq;
};

class RsaPrivateKey {
 public:
  // kValue outside the limits, or when the private exponent is not below the modulus.
  static Result<RsaPrivateKey> from(ByteView modulus, ByteView private_exponent);
  // kValue when the numbers do not belong together.
  static Result<RsaPrivateKey> from_crt(const RsaCrtNumbers& numbers);
  // PKCS #8 or PKCS #1 in DER, not encrypted. kEncoding when it is none of an RSA key.
  static Result<RsaPrivateKey> from_der(ByteView octets);

  std::size_t size() const { return modulus_.size(); }
  const Bytes& modulus() const { return modulus_; }
  const SecretBytes& private_exponent() const { return private_exponent_; }
  // Known when the key came with it, or in Chinese remainder form.
  const std::optional<RsaPublicKey>& public_key() const { return public_key_; }

  // RSASP1 (RFC 8017, 5.2.1) on a number below the modulus, size() octets. kCrypto.
  Result<Bytes> apply(ByteView number) const;

 private:
  RsaPrivateKey(Bytes modulus, SecretBytes private_exponent)
      : modulus_(std::move(modulus)), private_exponent_(std::move(private_exponent)) {}
  Bytes modulus_;
  SecretBytes private_exponent_;
  std::optional<RsaPublicKey> public_key_;
};

}  // namespace kagibin::crypto
