// SPDX-License-Identifier: Apache-2.0
// A certificate in GlobalPlatform's own format as any issuer of SCP11 certificates makes it
// (Amendment F v1.3, chapter 7; the layout stands in certificate_template.h): CERT.KA-KLOC.ECDSA
// and CERT.KA-KLCC.ECDSA verify the next certificate of a chain, CERT.OCE.ECKA and CERT.SD.ECKA
// agree on keys. The delivery PKI's own certificates (certificate.h) are such certificates with
// more rules.
//
// Limits: 2,048 octets; serial number, authority and subject 1 to 20 octets (16 in the text; key
// identifiers of 20 are met with); keys on P-256 or P-384; a signature is r|s of the issuer's curve
// with that curve's hash. Ownership: values. Thread-safety: values.
//
//   const GpCertificate oce = KB_TRY(GpCertificate::decode(octets));
#pragma once

#include <cstdint>
#include <optional>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/curve/curve_key.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/pki/certificate.h"

namespace kagibin::pki {

inline constexpr std::size_t kGpCertificateMaxSize = 2'048;

// What a certificate's key is for.
enum class CertifiedUse : std::uint8_t { kVerification, kKeyAgreement };

struct GpCertificateFields {
  Bytes serial;     // 93
  Bytes authority;  // 42: CA-KLOC, KA-KLOC, CA-KLCC or KA-KLCC identifier
  Bytes subject;    // 5F20
  CertifiedUse use = CertifiedUse::kKeyAgreement;
  std::optional<CertificateDate> effective{};  // 5F25
  CertificateDate expiration{};                // 5F24
  Bytes discretionary{};                       // value of 53; empty: none
  std::optional<Bytes> authorizations{};       // value of BF20, of key agreement only
};

class GpCertificate {
 public:
  // Total. The signature is not checked; the point is.
  static Result<GpCertificate> decode(ByteView octets);
  // kInvalidArgument when the fields are outside their limits.
  static Result<GpCertificate> issue(const GpCertificateFields& fields,
                                     const crypto::CurvePublicKey& subject_key,
                                     const crypto::CurvePrivateKey& issuer_key,
                                     crypto::Rng& rng);

  const GpCertificateFields& fields() const { return fields_; }
  const crypto::CurvePublicKey& key() const { return key_; }
  const Bytes& encoded() const { return encoded_; }
  bool signed_by(const crypto::CurvePublicKey& issuer_key) const;

 private:
  GpCertificate(GpCertificateFields fields, crypto::CurvePublicKey key, ByteView octets)
      : fields_(std::move(fields)), key_(std::move(key)), encoded_(octets.begin(), octets.end()) {}
  GpCertificateFields fields_;
  crypto::CurvePublicKey key_;
  Bytes encoded_;
};

}  // namespace kagibin::pki
