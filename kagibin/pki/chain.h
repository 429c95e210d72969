// SPDX-License-Identifier: Apache-2.0
// Chains of the delivery PKI up to the controlling authority, whose keys (two roots may be valid at
// a time) are pinned. One level below the root at most: AUTH -> SP, AUTH -> SD, AUTH -> maker ->
// KDA or OCE.
//
// Errors: kUntrusted (issuer, signature, kind), kNotYetValid, kExpired (by the date the caller
// passes), kRevoked.
//
//   const VerifiedChain chain = KB_TRY(verify_kda_chain(anchors, kda, maker, today));
#pragma once

#include <set>
#include <vector>

#include "kagibin/pki/certificate.h"

namespace kagibin::pki {

struct TrustAnchors {
  std::vector<crypto::EcPublicKey> roots;  // one or two of the authority
};

// Serial numbers that the authority or a maker revoked: (issuer name, serial).
class RevocationList {
 public:
  void add(ByteView issuer, ByteView serial);
  bool contains(const Certificate& certificate) const;

 private:
  std::set<Bytes> entries_;
};

// CERT.SP, CERT.EUM, CERT.SD or CERT.OCE directly under a root; a CERT.KDA never is. `today` is the
// caller's clock; a certificate is good through the day on which it expires.
Result<void> verify_under_root(const TrustAnchors& anchors,
                               const Certificate& certificate,
                               CertificateKind kind,
                               CertificateDate today,
                               const RevocationList& revoked = {});
// CERT.KDA under CERT.EUM under a root: the KDA's issuer is the maker's subject; with dates and
// revocation; the pin of the maker is the caller's.
Result<void> verify_kda_chain(const TrustAnchors& anchors,
                              const Certificate& kda,
                              const Certificate& maker,
                              CertificateDate today,
                              const RevocationList& revoked);
// True when `aid` begins with one of the service provider's prefixes.
bool allows_aid(const Certificate& service_provider, const Aid& aid);

}  // namespace kagibin::pki
