// SPDX-License-Identifier: Apache-2.0
// Who may ask the KDA for anything: the checks of an E0 and its CERT.SP that ENROL and CANCEL
// share, and of a CERT.SP again at LOAD and before the first key leaves (protocol, sections 5
// to 7).
//
// CERT.SP: under one of the authority's two root slots, kind, epoch at least minEpoch, not expired
// before authTime (an element has no clock: authTime is the least that it can be now, so a
// certificate that begins later is not refused), subject equal to E0's SPID, an AID prefix for the
// target.
#pragma once

#include "kagibin/crypto/hpke/kem.h"
#include "kagibin/envelope/enrolment/enrolment.h"
#include "kagibin/pki/chain.h"
#include "kagibin/se/kda/kda_answer.h"
#include "kagibin/se/kda/kda_environment.h"

namespace kagibin::se {

// What this application believes now: its own record, and no lower epoch than that of the element's
// CASD, which hears of one through every application and by itself.
KdaResult<KdaTrust> trust_in_force(const KdaEnvironment& kda);

// The authority's keys in force.
KdaResult<pki::TrustAnchors> trust_anchors(const KdaTrust& trust);

// Whether this certificate of `kind` counts now: root, epoch, date.
bool is_certificate_accepted(const KdaTrust& trust,
                             const pki::Certificate& certificate,
                             pki::CertificateKind kind);

// Whether this certificate is a CERT.SD that counts now and was given on the word of the maker that
// certified this KDA: another maker knows nothing of this element's domains.
KdaResult<bool> is_domain_accepted(const KdaEnvironment& kda, const pki::Certificate& domain);

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): no key is without a point
struct ProviderRequest {
  envelope::EnrolmentRequest request;
  crypto::EcPublicKey kem_key;
  crypto::HpkeKem enrolment_kem;  // of pkE, by the suite asked for
  envelope::Digest hash{};        // SHA-256(TLV E0)

  // 6A88 before the maker's certificates are stored; 6A80, 6A81 by parsing
  // and for a suite that this KDA does not offer; 6A80 for one that is addressed to another: b2 of
  // 86 without an own delivery or the other way round, there another target; 6982 for every refusal
  // of the certificate or the signature, and of who is not the owner of the domain.
  static KdaResult<ProviderRequest> check(const KdaEnvironment& kda, ByteView e0);
};

// Whether CERT.SP of a slot counts now.
KdaResult<bool> is_provider_accepted(const KdaEnvironment& kda, const KdaSlot& slot);
// CERT.SP of a slot, once more; 6985 when it does not count now.
KdaResult<pki::Certificate> provider_certificate(const KdaEnvironment& kda, const KdaSlot& slot);

}  // namespace kagibin::se
