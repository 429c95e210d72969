// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/enrolment/provider_request.h"

#include <algorithm>

#include "kagibin/base/clock.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/envelope/delivery_open.h"
#include "kagibin/se/kda/enrolment/offered_suites.h"

namespace kagibin::se {

namespace {

KdaResult<bool> is_provider_accepted(const KdaEnvironment& kda,
                                     const pki::Certificate& certificate) {
  const KdaTrust trust = KB_TRY(trust_in_force(kda));
  return is_certificate_accepted(trust, certificate, pki::CertificateKind::kServiceProvider);
}

// A KDA serves other targets; a domain's own delivery itself, for whose it is.
KdaResult<void> check_address(const KdaEnvironment& kda,
                              const envelope::EnrolmentRequest& request) {
  const bool is_own = kda.own_domain() != nullptr;
  if (request.own_delivery != is_own || (is_own && request.target != kda.application.aid)) {
    return refuse(sw::kWrongData);
  }
  if (is_own && request.spid != KB_TRY(or_internal(kda.store.owner()))) {
    return refuse(sw::kSecurityStatusNotSatisfied);
  }
  return {};
}

}  // namespace

KdaResult<KdaTrust> trust_in_force(const KdaEnvironment& kda) {
  KdaTrust out = KB_TRY(or_internal(kda.store.trust()));
  const AuthoritySignatureService* casd = kda.application.authority_signature;
  const auto known = casd != nullptr ? casd->trust() : fail(Errc::kNotFound, "there is no CASD");
  if (known) {
    out.min_epoch = std::max(out.min_epoch, known->min_epoch);
  } else if (known.error().code != Errc::kNotFound) {
    return refuse(internal_failure(known.error().code));
  }
  return out;
}

KdaResult<pki::TrustAnchors> trust_anchors(const KdaTrust& trust) {
  pki::TrustAnchors anchors;
  anchors.roots.push_back(KB_TRY(or_internal(crypto::EcPublicKey::from_point(trust.root))));
  if (trust.second_root) {
    anchors.roots.push_back(
        KB_TRY(or_internal(crypto::EcPublicKey::from_point(*trust.second_root))));
  }
  return anchors;
}

bool is_certificate_accepted(const KdaTrust& trust,
                             const pki::Certificate& certificate,
                             pki::CertificateKind kind) {
  const auto anchors = trust_anchors(trust);
  if (!anchors || certificate.fields().epoch < trust.min_epoch) {
    return false;
  }
  const auto least = pki::CertificateDate::from_unix(from_protocol_minutes(trust.auth_time));
  const pki::CertificateDate day = std::max(least, certificate.fields().effective);
  return pki::verify_under_root(*anchors, certificate, kind, day).has_value();
}

KdaResult<bool> is_domain_accepted(const KdaEnvironment& kda, const pki::Certificate& domain) {
  if (kda.store.is_attested_by_casd()) {
    return false;  // no maker certified it
  }
  const KdaTrust trust = KB_TRY(trust_in_force(kda));
  const KdaCertificates stored = KB_TRY(or_internal(kda.store.certificates()));
  const auto maker = KB_TRY(or_internal(pki::Certificate::decode(stored.maker)));
  return is_certificate_accepted(trust, domain, pki::CertificateKind::kSecurityDomain) &&
         domain.fields().maker_key == maker.key_hash();
}

KdaResult<ProviderRequest> ProviderRequest::check(const KdaEnvironment& kda, ByteView e0) {
  if (!kda.store.is_certified()) {
    return refuse(sw::kReferencedDataNotFound);
  }
  auto request = KB_TRY(or_malformed(envelope::EnrolmentRequest::decode(e0)));
  const crypto::HpkeKem kem = KB_TRY(or_malformed(kem_of_suite(request.suite)));
  KB_TRY(check_address(kda, request));
  const pki::Certificate certificate =
      KB_TRY(or_malformed(pki::Certificate::decode(request.certificate)));
  const crypto::EcPublicKey kem_key =
      KB_TRY(or_sw(crypto::EcPublicKey::from_point(request.kem_key), sw::kWrongData));
  const KdaTrust trust = KB_TRY(trust_in_force(kda));
  const bool accepted =
      is_certificate_accepted(trust, certificate, pki::CertificateKind::kServiceProvider) &&
      certificate.fields().subject == request.spid.octets &&
      pki::allows_aid(certificate, *request.target);
  if (!accepted || !envelope::verify_request(request, certificate.key())) {
    return refuse(sw::kSecurityStatusNotSatisfied);
  }
  return ProviderRequest{std::move(request), kem_key, kem, crypto::sha256(e0)};
}

KdaResult<bool> is_provider_accepted(const KdaEnvironment& kda, const KdaSlot& slot) {
  const auto certificate = KB_TRY(or_internal(pki::Certificate::decode(slot.certificate)));
  return is_provider_accepted(kda, certificate);
}

KdaResult<pki::Certificate> provider_certificate(const KdaEnvironment& kda, const KdaSlot& slot) {
  auto certificate = KB_TRY(or_internal(pki::Certificate::decode(slot.certificate)));
  if (!KB_TRY(is_provider_accepted(kda, certificate))) {
    return refuse(sw::kConditionsNotSatisfied);
  }
  return certificate;
}

}  // namespace kagibin::se
