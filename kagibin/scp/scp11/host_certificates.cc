// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp11/host_certificates.h"

#include "kagibin/apdu/status_words.h"

namespace kagibin::scp {

namespace sw = apdu::sw;

namespace {

constexpr std::uint8_t kMore = 0x80;  // b8 of P1 and of P2

StatusWord word_of(const Error& error) {
  return error.code == Errc::kUntrusted || error.code == Errc::kExpired ||
                 error.code == Errc::kNotYetValid
             ? kCertificateNotVerified.because(error.detail)
             : sw::kWrongData.because(error.detail);
}

}  // namespace

StatusWord HostCertificates::refuse(StatusWord status) {
  forget();
  return status;
}

void HostCertificates::forget() {
  blocks_.clear();
  issuer_.reset();
  count_ = 0;
  host_.reset();
}

StatusWord HostCertificates::submit(const apdu::CommandApdu& command, const Scp11Domain& domain) {
  const auto cla = apdu::ClassOctet::decode(command.cla);
  if (!cla || !cla->proprietary) {
    return refuse(sw::kClassNotSupported);
  }
  host_.reset();
  if (command.data.empty() || blocks_.size() + command.data.size() > crypto::kX509MaxSize) {
    return refuse(sw::kWrongLength.because(
        "PERFORM SECURITY OPERATION carries a block of a certificate, 4,096 octets in all"));
  }
  append(blocks_, command.data);
  if (cla->chaining || (command.p1 & kMore) != 0) {
    return sw::kOk;
  }
  const KeyReference ca{.identifier = static_cast<std::uint8_t>(command.p2 & ~unsigned{kMore}),
                        .version = command.p1};
  const StatusWord status = verify(ca, (command.p2 & kMore) != 0, domain);
  return sw::is_ok(status) ? status : refuse(status);
}

StatusWord HostCertificates::verify(KeyReference ca, bool more, const Scp11Domain& domain) {
  auto certificate = pki::ScpCertificate::decode(blocks_);
  blocks_.clear();
  if (!certificate) {
    return sw::kWrongData.because(certificate.error().detail);
  }
  const auto use = more ? pki::CertifiedUse::kVerification : pki::CertifiedUse::kKeyAgreement;
  if (!certificate->may(use) || (issuer_ && issuer_->is_x509() != certificate->is_x509()) ||
      ++count_ > pki::kLongestChain) {
    return sw::kWrongData.because(
        "all certificates of a chain verify the next and the last agrees on keys, in one format "
        "(Amendment F, 7.5)");
  }
  if (certificate->authorizations()) {
    return sw::kFunctionNotSupported.because(
        "authorisations in certificates (BF20) are not evaluated here: use one without");
  }
  const bool first = !issuer_;
  auto key = first ? domain.ca_key(ca) : std::optional(issuer_->key());
  if (!key) {
    return sw::kReferencedDataNotFound.because(
        "there is no PK.CA-KLOC.ECDSA of this KVN (P1) and KID (P2): put it with PUT KEY");
  }
  if (first && !domain.allows(ca, certificate->serial())) {
    return kCertificateNotAllowed.because(
        "the certificate's serial number is not in the CA key's allow list (Amendment F, 4.3)");
  }
  if (!first && !issuer_->subject_identifier().empty() &&
      !equal(issuer_->subject_identifier(), certificate->authority_identifier())) {
    return kCertificateNotVerified.because(
        "a certificate names another issuer than the one before");
  }
  const auto link = pki::verify_link(*certificate, *key, domain.today());
  if (!link) {
    return word_of(link.error());
  }
  if (more) {
    issuer_ = std::move(*certificate);
    return sw::kOk;
  }
  Bytes subject = certificate->subject_identifier();
  forget();
  host_ = CertifiedHost{.key = certificate->key(), .subject = std::move(subject)};
  return sw::kOk;
}

}  // namespace kagibin::scp
