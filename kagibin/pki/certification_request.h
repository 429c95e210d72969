// SPDX-License-Identifier: Apache-2.0
// A request to be certified by the controlling authority: the name, the public key, and a signature
// by the private key, so that nobody is certified for a key of somebody else (proof of possession).
//
//   E5 { 80 01 version 01 | 81 01 kind (01 maker, 05 service provider, 06 and 07 CASD) | 82 10 name
//   | 83 41 key
//        | 9E signature, minimal DER, over "KB1-REQ" | TLVs 80..83 }
//
// What the authority certifies beside the key (platform, AID prefixes, epoch, dates) it decides
// itself: a request carries no wish. Limits: 162 octets at most. Failures of decode: kTruncated,
// kTrailing, kEncoding, kUnexpectedTag, kLength, kValue, and kAuthentication when the signature is
// not by the key. Ownership and thread-safety: values.
//
//   const Bytes octets = KB_TRY(sign_certification_request(kind, spid.octets, key, rng));
//   const CertificationRequest request = KB_TRY(CertificationRequest::decode(octets));
#pragma once

#include <array>
#include <cstdint>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/held_key/signing_key.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/pki/certificate.h"

namespace kagibin::pki {

class CertificationRequest {
 public:
  // Total; a request that decodes carries a valid proof of possession.
  static Result<CertificationRequest> decode(ByteView octets);

  CertificateKind kind() const { return kind_; }
  const std::array<std::uint8_t, 16>& name() const { return name_; }
  const crypto::EcPublicKey& key() const { return key_; }

 private:
  CertificationRequest(CertificateKind kind,
                       const std::array<std::uint8_t, 16>& name,
                       crypto::EcPublicKey key)
      : kind_(kind), name_(name), key_(key) {}
  CertificateKind kind_;
  std::array<std::uint8_t, 16> name_;
  crypto::EcPublicKey key_;
};

// kInvalidArgument for a kind that nobody requests.
Result<Bytes> sign_certification_request(CertificateKind kind,
                                         const std::array<std::uint8_t, 16>& name,
                                         const crypto::SigningKey& key,
                                         crypto::Rng& rng);

}  // namespace kagibin::pki
