// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/confidential/casd_trust.h"

#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::roles::service_provider {

namespace {

constexpr tlv::Tag kCertificate = 0x7F21;

bool of_one_casd(const pki::CertificateFields& one, const pki::CertificateFields& other) {
  return one.subject == other.subject && one.platform == other.platform && one.aids == other.aids;
}

}  // namespace

Result<CasdTrust> trust_casd(const pki::TrustAnchors& anchors,
                             ByteView octets,
                             pki::CertificateDate today,
                             const pki::RevocationList& revoked) {
  tlv::TlvReader in(octets);
  const tlv::Tlv first = KB_TRY(in.expect(kCertificate, 0, tlv::TlvReader::kAnyLength));
  const auto second = KB_TRY(in.optional(kCertificate, 0, tlv::TlvReader::kAnyLength));
  KB_TRY(in.finish());
  const auto agreement = KB_TRY(pki::Certificate::decode(first.encoded));
  KB_TRY(pki::verify_under_root(anchors, agreement, pki::CertificateKind::kCasdAgreement, today,
                                revoked));
  const pki::CertificateFields& fields = agreement.fields();
  KB_CHECK(fields.platform.has_value() && fields.aids.size() == 1);  // the kind has them
  CasdTrust out{.element = fields.subject,
                .platform = *fields.platform,
                .casd = KB_TRY(Aid::from(fields.aids.front())),
                .agreement = agreement.key()};
  if (second) {
    const auto signature = KB_TRY(pki::Certificate::decode(second->encoded));
    KB_TRY(pki::verify_under_root(anchors, signature, pki::CertificateKind::kCasdSignature, today,
                                  revoked));
    if (!of_one_casd(fields, signature.fields())) {
      return fail(Errc::kUntrusted, "the certificates are not of one CASD in one element");
    }
    out.signature = signature.key();
  }
  return out;
}

}  // namespace kagibin::roles::service_provider
