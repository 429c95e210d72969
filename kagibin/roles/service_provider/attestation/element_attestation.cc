// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/attestation/element_attestation.h"

#include "kagibin/envelope/enrolment/code_attestation.h"

namespace kagibin::roles::service_provider {

namespace {

Result<ElementAttestation> read_by_casd(ByteView octets, ByteView e1) {
  const auto read = KB_TRY(envelope::CodeAttestation::decode(octets));
  const auto kda_key = KB_TRY(crypto::EcPublicKey::from_point(read.kda_key));
  auto casd = KB_TRY(pki::Certificate::decode(read.certificate));
  const crypto::Digest256 signed_by_casd = crypto::sha256({read.attested_head(), e1});
  const auto statement = KB_TRY(
      gp::verify_data(read.statement, crypto::CurvePublicKey::from(casd.key()), signed_by_casd));
  return ByCasd{.kda_key = kda_key, .casd = std::move(casd), .statement = statement};
}

// A certificate alone is no word of a CASD, whatever stands in it.
pki::AttestationProfile by_maker(std::optional<pki::AttestationProfile> said) {
  return said == pki::AttestationProfile::kAtt1 ? *said : pki::AttestationProfile::kAtt0;
}

}  // namespace

Result<ElementAttestation> read_attestation(const envelope::AnswerContent& content) {
  if (content.code_attestation) {
    return read_by_casd(*content.code_attestation, content.statement);
  }
  auto kda = KB_TRY(pki::Certificate::decode(content.kda_certificate));
  auto maker = KB_TRY(pki::Certificate::decode(content.maker_certificate));
  return ByMaker{.kda = std::move(kda), .maker = std::move(maker)};
}

const crypto::EcPublicKey& kda_key(const ElementAttestation& attestation) {
  const auto* maker = std::get_if<ByMaker>(&attestation);
  return maker != nullptr ? maker->kda.key() : std::get<ByCasd>(attestation).kda_key;
}

Attested attested(const ElementAttestation& attestation) {
  if (const auto* maker = std::get_if<ByMaker>(&attestation)) {
    const pki::CertificateFields& fields = maker->kda.fields();
    return {.element = fields.subject,
            .application = fields.aids.empty() ? Bytes() : fields.aids.front(),
            .code_hash = fields.code_hash.value_or(crypto::Digest256{}),
            .profile = by_maker(fields.attestation)};
  }
  const auto& casd = std::get<ByCasd>(attestation);
  const ByteView application = casd.statement.application.view();
  return {.element = casd.casd.fields().subject,
          .application = Bytes(application.begin(), application.end()),
          .code_hash = casd.statement.code_hash,
          .profile = pki::AttestationProfile::kAtt2};
}

}  // namespace kagibin::roles::service_provider
