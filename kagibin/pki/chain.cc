// SPDX-License-Identifier: Apache-2.0
#include "kagibin/pki/chain.h"

#include <algorithm>

#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::pki {

namespace {

Result<void> check_dates(const Certificate& certificate, CertificateDate today) {
  if (today < certificate.fields().effective) {
    return fail(Errc::kNotYetValid, "the certificate is not yet valid");
  }
  if (today > certificate.fields().expiration) {
    return fail(Errc::kExpired, "the certificate has expired");
  }
  return {};
}

Result<void> check_revocation(const Certificate& certificate, const RevocationList& revoked) {
  if (revoked.contains(certificate)) {
    return fail(Errc::kRevoked, "the certificate was revoked");
  }
  return {};
}

// Issuer and serial number as TLVs, so that no two pairs meet.
Bytes entry(ByteView issuer, ByteView serial) {
  return tlv::TlvWriter().put(0x42, issuer).put(0x93, serial).take();
}

}  // namespace

void RevocationList::add(ByteView issuer, ByteView serial) {
  entries_.insert(entry(issuer, serial));
}

bool RevocationList::contains(const Certificate& certificate) const {
  return entries_.contains(entry(certificate.fields().issuer, certificate.fields().serial));
}

Result<void> verify_under_root(const TrustAnchors& anchors,
                               const Certificate& certificate,
                               CertificateKind kind,
                               CertificateDate today,
                               const RevocationList& revoked) {
  if (certificate.fields().kind != kind) {
    return fail(Errc::kUntrusted, "the certificate is of another kind");
  }
  if (kind == CertificateKind::kKda) {
    return fail(Errc::kUntrusted, "the KDA's certificate comes from an element maker");
  }
  const bool is_signed = std::ranges::any_of(
      anchors.roots, [&](const crypto::EcPublicKey& root) { return certificate.signed_by(root); });
  if (!is_signed) {
    return fail(Errc::kUntrusted, "the certificate is not the controlling authority's");
  }
  KB_TRY(check_dates(certificate, today));
  return check_revocation(certificate, revoked);
}

Result<void> verify_kda_chain(const TrustAnchors& anchors,
                              const Certificate& kda,
                              const Certificate& maker,
                              CertificateDate today,
                              const RevocationList& revoked) {
  KB_TRY(verify_under_root(anchors, maker, CertificateKind::kMaker, today, revoked));
  if (kda.fields().kind != CertificateKind::kKda) {
    return fail(Errc::kUntrusted, "the certificate is not a KDA's");
  }
  if (!equal(kda.fields().issuer, maker.fields().subject) || !kda.signed_by(maker.key())) {
    return fail(Errc::kUntrusted, "the KDA's certificate is not this maker's");
  }
  KB_TRY(check_dates(kda, today));
  return check_revocation(kda, revoked);
}

bool allows_aid(const Certificate& service_provider, const Aid& aid) {
  return service_provider.fields().kind == CertificateKind::kServiceProvider &&
         std::ranges::any_of(service_provider.fields().aids,
                             [&](const Bytes& prefix) { return aid.starts_with(prefix); });
}

}  // namespace kagibin::pki
