// SPDX-License-Identifier: Apache-2.0
// A certificate of a secure channel with certificates (SCP11), in either of the formats of
// Amendment F v1.3: GlobalPlatform's own (7F21) or X.509 in DER (30). Lists of them are the value
// of a certificate store (BF21): issuers first, the certificate that agrees on keys last, one
// format.
//
// In X.509, identifiers are the key identifiers of RFC 5280, 4.2.1.1 and 4.2.1.2. Ownership:
// values. Thread-safety: const use may be shared.
//
//   const auto chain = KB_TRY(decode_certificates(store_value));
//   KB_TRY(verify_chain(chain, ca_key, today));
#pragma once

#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "kagibin/crypto/x509/x509_certificate.h"
#include "kagibin/pki/gp_certificate.h"

namespace kagibin::pki {

inline constexpr std::size_t kLongestChain = 8;

class ScpCertificate {
 public:
  // Total. Its errors are those of the two formats; kUnexpectedTag for neither.
  static Result<ScpCertificate> decode(ByteView octets);

  bool is_x509() const { return std::holds_alternative<crypto::X509Certificate>(content_); }
  const Bytes& encoded() const;
  const crypto::CurvePublicKey& key() const;
  // As written.
  const Bytes& serial() const;
  const Bytes& authority_identifier() const;
  const Bytes& subject_identifier() const;
  // An X.509 certificate may have both uses.
  bool may(CertifiedUse use) const;
  // How many authorities may follow; empty: any number.
  std::optional<std::size_t> path_length() const;
  // Value of BF20; X.509 has none here.
  std::optional<ByteView> authorizations() const;
  std::optional<CertificateDate> effective() const;
  CertificateDate expiration() const;
  bool signed_by(const crypto::CurvePublicKey& issuer_key) const;

 private:
  using Content = std::variant<GpCertificate, crypto::X509Certificate>;
  explicit ScpCertificate(Content content) : content_(std::move(content)) {}
  Content content_;
};

// The value of BF21: one to eight certificates of one format and nothing else.
Result<std::vector<ScpCertificate>> decode_certificates(ByteView value);

// One link: kUntrusted for a signature that is not the issuer's, kNotYetValid and kExpired by
// `today`; without a day, dates are not asked (an element has no clock).
Result<void> verify_link(const ScpCertificate& certificate,
                         const crypto::CurvePublicKey& issuer_key,
                         std::optional<CertificateDate> today);

// A chain on its way down from a root, one certificate after the other.
class ScpChain {
 public:
  explicit ScpChain(crypto::CurvePublicKey root) : issuer_key_(std::move(root)) {}
  // The next certificate, whose place wants `use`. Errors of verify_link; kUntrusted, too, for an
  // authority identifier that is not the subject of the certificate before, and for more
  // authorities than the ones before allow; kValue for another use, for another format than before,
  // and for more than eight certificates. A failure leaves the chain as it was.
  Result<void> take(const ScpCertificate& certificate,
                    CertifiedUse use,
                    std::optional<CertificateDate> today);

 private:
  crypto::CurvePublicKey issuer_key_;
  Bytes issuer_{};  // subject of the certificate before
  bool is_x509_ = false;
  std::size_t count_ = 0;
  std::optional<std::size_t> authorities_left_{};
};

// All but the last verify, each the next one, and the last agrees on keys. Errors of ScpChain;
// kUntrusted for an empty chain.
Result<void> verify_chain(std::span<const ScpCertificate> chain,
                          const crypto::CurvePublicKey& root,
                          std::optional<CertificateDate> today);

}  // namespace kagibin::pki
