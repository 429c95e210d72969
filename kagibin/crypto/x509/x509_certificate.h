// SPDX-License-Identifier: Apache-2.0
// An X.509 certificate (RFC 5280) as secure channels between cards and hosts use it (SCP11,
// Amendment F v1.3): read from DER, with an EC key on P-256 or P-384 and an ECDSA signature.
//
// Transport certificates and CMS are transport_x509.h and cms.h. Nothing is trusted by being read:
// who signed it is asked with signed_by(). Limits: 4,096 octets of DER, nothing behind it. Critical
// extensions are key usage, basic constraints and policies, and no others: policies are not looked
// at, as none is asked for. Ownership: values. Thread-safety: const use may be shared.
//
//   const X509Certificate leaf = KB_TRY(X509Certificate::decode(der));
//   if (!leaf.signed_by(ca_key)) { ... }
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/curve/curve_key.h"

struct x509_st;

namespace kagibin::crypto {

inline constexpr std::size_t kX509MaxSize = 4'096;

class X509Certificate {
 public:
  // Total: kEncoding for octets that are not one certificate, kLength past the limit, kNotSupported
  // for a key that is not on P-256 or P-384, for another critical extension and for another version
  // than 3.
  static Result<X509Certificate> decode(ByteView der);

  const Bytes& encoded() const { return encoded_; }
  const CurvePublicKey& key() const { return key_; }
  // The content of the INTEGER: big-endian, with a zero octet in front of a set sign bit.
  const Bytes& serial() const { return serial_; }
  const Bytes& subject() const { return subject_; }  // DER
  const Bytes& issuer() const { return issuer_; }
  // Empty when the certificate has no such extension.
  const Bytes& subject_key_identifier() const { return subject_key_identifier_; }
  const Bytes& authority_key_identifier() const { return authority_key_identifier_; }
  // Seconds since 1970; a certificate is good from and through these.
  std::int64_t not_before() const { return not_before_; }
  std::int64_t not_after() const { return not_after_; }
  // By basic constraints and key usage; a certificate without key usage has every usage.
  bool is_authority() const { return authority_; }
  bool has_key_agreement() const { return agreement_; }
  // How many authorities may follow this one (RFC 5280, 4.2.1.9); empty: any number.
  std::optional<std::size_t> path_length() const { return path_length_; }
  // False for every signature algorithm but ECDSA with SHA-256, SHA-384 or SHA-512.
  bool signed_by(const CurvePublicKey& issuer_key) const;

 private:
  X509Certificate(ByteView der, CurvePublicKey key, std::shared_ptr<x509_st> handle)
      : encoded_(der.begin(), der.end()), key_(std::move(key)), handle_(std::move(handle)) {}
  Result<void> read_facts();

  Bytes encoded_;
  CurvePublicKey key_;
  std::shared_ptr<x509_st> handle_;
  Bytes serial_{};
  Bytes subject_{};
  Bytes issuer_{};
  Bytes subject_key_identifier_{};
  Bytes authority_key_identifier_{};
  std::int64_t not_before_ = 0;
  std::int64_t not_after_ = 0;
  bool authority_ = false;
  bool agreement_ = false;
  std::optional<std::size_t> path_length_{};
};

}  // namespace kagibin::crypto
