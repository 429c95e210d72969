// SPDX-License-Identifier: Apache-2.0
#include "kagibin/pki/scp_certificate.h"

#include <algorithm>

#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::pki {

namespace {

constexpr tlv::Tag kGpCertificate = 0x7F21;
constexpr tlv::Tag kSequence = 0x30;

}  // namespace

Result<ScpCertificate> ScpCertificate::decode(ByteView octets) {
  if (!octets.empty() && octets.front() == kSequence) {
    return ScpCertificate(KB_TRY(crypto::X509Certificate::decode(octets)));
  }
  return ScpCertificate(KB_TRY(GpCertificate::decode(octets)));
}

const Bytes& ScpCertificate::encoded() const {
  return std::visit([](const auto& one) -> const Bytes& { return one.encoded(); }, content_);
}

const crypto::CurvePublicKey& ScpCertificate::key() const {
  return std::visit([](const auto& one) -> const crypto::CurvePublicKey& { return one.key(); },
                    content_);
}

const Bytes& ScpCertificate::serial() const {
  const auto* const x509 = std::get_if<crypto::X509Certificate>(&content_);
  return x509 != nullptr ? x509->serial() : std::get<GpCertificate>(content_).fields().serial;
}

const Bytes& ScpCertificate::authority_identifier() const {
  const auto* const x509 = std::get_if<crypto::X509Certificate>(&content_);
  return x509 != nullptr ? x509->authority_key_identifier()
                         : std::get<GpCertificate>(content_).fields().authority;
}

const Bytes& ScpCertificate::subject_identifier() const {
  const auto* const x509 = std::get_if<crypto::X509Certificate>(&content_);
  return x509 != nullptr ? x509->subject_key_identifier()
                         : std::get<GpCertificate>(content_).fields().subject;
}

bool ScpCertificate::may(CertifiedUse use) const {
  const auto* const x509 = std::get_if<crypto::X509Certificate>(&content_);
  if (x509 == nullptr) {
    return std::get<GpCertificate>(content_).fields().use == use;
  }
  return use == CertifiedUse::kVerification ? x509->is_authority() : x509->has_key_agreement();
}

std::optional<std::size_t> ScpCertificate::path_length() const {
  const auto* x509 = std::get_if<crypto::X509Certificate>(&content_);
  return x509 == nullptr ? std::nullopt : x509->path_length();
}

std::optional<ByteView> ScpCertificate::authorizations() const {
  const auto* const own = std::get_if<GpCertificate>(&content_);
  if (own == nullptr || !own->fields().authorizations) {
    return std::nullopt;
  }
  return ByteView(*own->fields().authorizations);
}

std::optional<CertificateDate> ScpCertificate::effective() const {
  const auto* const x509 = std::get_if<crypto::X509Certificate>(&content_);
  return x509 != nullptr ? CertificateDate::from_unix(x509->not_before())
                         : std::get<GpCertificate>(content_).fields().effective;
}

CertificateDate ScpCertificate::expiration() const {
  const auto* const x509 = std::get_if<crypto::X509Certificate>(&content_);
  return x509 != nullptr ? CertificateDate::from_unix(x509->not_after())
                         : std::get<GpCertificate>(content_).fields().expiration;
}

bool ScpCertificate::signed_by(const crypto::CurvePublicKey& issuer_key) const {
  return std::visit([&](const auto& one) { return one.signed_by(issuer_key); }, content_);
}

Result<std::vector<ScpCertificate>> decode_certificates(ByteView value) {
  tlv::TlvReader in(value);
  std::vector<ScpCertificate> out;
  tlv::Tag format = 0;
  while (!in.empty()) {
    const tlv::Tlv one = KB_TRY(in.next());
    if ((one.tag != kGpCertificate && one.tag != kSequence) || (format != 0 && one.tag != format)) {
      return fail(Errc::kUnexpectedTag, "a certificate store holds certificates of one format");
    }
    if (out.size() == kLongestChain) {
      return fail(Errc::kLimit, "a certificate store holds at most eight certificates");
    }
    format = one.tag;
    out.push_back(KB_TRY(ScpCertificate::decode(one.encoded)));
  }
  if (out.empty()) {
    return fail(Errc::kTruncated, "a certificate store holds a certificate");
  }
  return out;
}

Result<void> verify_link(const ScpCertificate& certificate,
                         const crypto::CurvePublicKey& issuer_key,
                         std::optional<CertificateDate> today) {
  if (!certificate.signed_by(issuer_key)) {
    return fail(Errc::kUntrusted, "a certificate is not signed by the key that should have");
  }
  if (today && certificate.effective() && *today < *certificate.effective()) {
    return fail(Errc::kNotYetValid, "a certificate is not yet valid");
  }
  if (today && *today > certificate.expiration()) {
    return fail(Errc::kExpired, "a certificate has expired");
  }
  return {};
}

Result<void> ScpChain::take(const ScpCertificate& certificate,
                            CertifiedUse use,
                            std::optional<CertificateDate> today) {
  if (!certificate.may(use)) {
    return fail(Errc::kValue,
                "all certificates of a chain verify the next one, and the last agrees on keys "
                "(Amendment F, 7.5)");
  }
  if (count_ == kLongestChain || (count_ != 0 && is_x509_ != certificate.is_x509())) {
    return fail(Errc::kValue, "a chain has at most eight certificates, of one format");
  }
  if (!issuer_.empty() && !equal(issuer_, certificate.authority_identifier())) {
    return fail(Errc::kUntrusted, "a certificate names another issuer than the one before it");
  }
  const bool authority = use == CertifiedUse::kVerification;
  if (authority && authorities_left_ == 0) {
    return fail(Errc::kUntrusted,
                "a certificate before this one allows no further authority (RFC 5280, 4.2.1.9)");
  }
  KB_TRY(verify_link(certificate, issuer_key_, today));
  if (authority && authorities_left_) {
    --*authorities_left_;
  }
  if (const auto allowed = certificate.path_length(); authority && allowed) {
    authorities_left_ = std::min(authorities_left_.value_or(*allowed), *allowed);
  }
  issuer_key_ = certificate.key();
  issuer_ = certificate.subject_identifier();
  is_x509_ = certificate.is_x509();
  ++count_;
  return {};
}

Result<void> verify_chain(std::span<const ScpCertificate> chain,
                          const crypto::CurvePublicKey& root,
                          std::optional<CertificateDate> today) {
  if (chain.empty()) {
    return fail(Errc::kUntrusted, "there is no certificate");
  }
  ScpChain path(root);
  for (const ScpCertificate& certificate : chain) {
    const bool last = &certificate == &chain.back();
    KB_TRY(path.take(certificate, last ? CertifiedUse::kKeyAgreement : CertifiedUse::kVerification,
                     today));
  }
  return {};
}

}  // namespace kagibin::pki
