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
  chain_.reset();
  root_.reset();
  host_.reset();
}

StatusWord HostCertificates::standing(const Scp11Domain& domain) const {
  if (!root_) {
    return sw::kOk;
  }
  const auto key = domain.ca_key(root_->reference);
  if (!key || *key != root_->key) {
    return sw::kReferencedDataNotFound.because(
        "the CA key under which certificates were verified was replaced or deleted since: begin "
        "again with PERFORM SECURITY OPERATION (Amendment F, 7.5)");
  }
  if (!domain.allows(root_->reference, root_->serial)) {
    return kCertificateNotAllowed.because(
        "the CA key's allow list no longer has the certificate that was verified (Amendment F, "
        "4.3)");
  }
  return sw::kOk;
}

StatusWord HostCertificates::submit(const apdu::CommandApdu& command, const Scp11Domain& domain) {
  const auto cla = apdu::ClassOctet::decode(command.cla);
  if (!cla || !cla->proprietary) {
    return refuse(sw::kClassNotSupported.because(
        "PERFORM SECURITY OPERATION is of GlobalPlatform's class: 80, 90 in a chain (Amendment F, "
        "7.5)"));
  }
  host_.reset();
  if (!chain_) {
    root_.reset();
  }
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
  if (certificate->authorizations()) {
    return sw::kFunctionNotSupported.because(
        "authorisations in certificates (BF20) are not evaluated here: use one without");
  }
  if (!chain_) {
    auto root = domain.ca_key(ca);
    if (!root) {
      return sw::kReferencedDataNotFound.because(
          "there is no PK.CA-KLOC.ECDSA of this KVN (P1) and KID (P2): put it with PUT KEY");
    }
    if (!domain.allows(ca, certificate->serial())) {
      return kCertificateNotAllowed.because(
          "the certificate's serial number is not in the CA key's allow list (Amendment F, 4.3)");
    }
    root_ = ChainRoot{.reference = ca,
                      .key = *root,
                      .serial = Bytes(certificate->serial().begin(), certificate->serial().end())};
    chain_.emplace(std::move(*root));
  } else if (const StatusWord stands = standing(domain); !sw::is_ok(stands)) {
    return stands;
  }
  const auto use = more ? pki::CertifiedUse::kVerification : pki::CertifiedUse::kKeyAgreement;
  const auto taken = chain_->take(*certificate, use, domain.today());
  if (!taken) {
    return word_of(taken.error());
  }
  if (more) {
    return sw::kOk;
  }
  Bytes subject = certificate->subject_identifier();
  chain_.reset();
  host_ = CertifiedHost{.key = certificate->key(), .subject = std::move(subject)};
  return sw::kOk;
}

}  // namespace kagibin::scp
