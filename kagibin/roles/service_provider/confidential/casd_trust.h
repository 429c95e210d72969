// SPDX-License-Identifier: Apache-2.0
// Which CASD a provider believes before he agrees on keys with its help, or believes what it signs:
// one whose certificates are the controlling authority's (Amendment A; kinds 06 and 07 of
// pki/certificate.h). The set-up itself is gp/confidential/provider_setup.h.
//
// Whether its platform is one that he accepts is for his policy to say. Ownership and
// thread-safety: values.
//
//   const CasdTrust casd = KB_TRY(trust_casd(anchors, get_data_7f21, today, revoked));
//   gp::ProviderSetup setup(reference, crypto::CurvePublicKey::from(casd.agreement));
#pragma once

#include <array>
#include <optional>

#include "kagibin/base/aid.h"
#include "kagibin/pki/chain.h"

namespace kagibin::roles::service_provider {

struct CasdTrust {
  std::array<std::uint8_t, 16> element{};  // SEID, subject of both certificates
  std::array<std::uint8_t, 16> platform{};
  Aid casd;
  crypto::EcPublicKey agreement;                   // PK.CASD.ECKA
  std::optional<crypto::EcPublicKey> signature{};  // PK.CASD.AUT, when it has that certificate
};

// `octets`: the answer to GET DATA 7F21, CERT.CASD.ECKA and then, or not, CERT.CASD.AUT. Errors of
// pki::verify_under_root; kUntrusted, too, when the two are not of one CASD in one element.
Result<CasdTrust> trust_casd(const pki::TrustAnchors& anchors,
                             ByteView octets,
                             pki::CertificateDate today,
                             const pki::RevocationList& revoked = {});

}  // namespace kagibin::roles::service_provider
