// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/x509/x509_certificate.h"

#include <array>
#include <optional>
#include <string_view>

#include <openssl/core_names.h>

#include "kagibin/crypto/openssl_ptr.h"

namespace kagibin::crypto {
namespace {

constexpr std::int64_t kSecondsPerDay = 86'400;
constexpr long kVersion3 = 2;  // as written

Bytes octets_of(const ASN1_STRING* string) {
  if (string == nullptr) {
    return {};
  }
  const ByteView view(ASN1_STRING_get0_data(string),
                      static_cast<std::size_t>(ASN1_STRING_length(string)));
  return {view.begin(), view.end()};
}

Bytes encoded_name(const X509_NAME* name) {
  const unsigned char* der = nullptr;
  std::size_t size = 0;
  if (X509_NAME_get0_der(name, &der, &size) != 1) {
    return {};
  }
  const ByteView view(der, size);
  return {view.begin(), view.end()};
}

// ASN1_STRING keeps a number's magnitude; the encoding has a zero octet where the first bit is set.
Bytes integer_octets(const ASN1_INTEGER* number) {
  Bytes out = octets_of(number);
  if (!out.empty() && (out.front() & 0x80U) != 0) {
    out.insert(out.begin(), 0x00);
  }
  return out;
}

Result<std::int64_t> seconds_of(const ASN1_TIME* time) {
  const OpensslPtr<ASN1_TIME, ASN1_TIME_free> epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0;
  int seconds = 0;
  if (epoch == nullptr || ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) {
    return fail(Errc::kEncoding, "a certificate's date is not one");
  }
  return days * kSecondsPerDay + seconds;
}

std::optional<Curve> curve_of(const EVP_PKEY* pkey) {
  std::array<char, 32> name{};
  std::size_t size = 0;
  if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, name.data(), name.size(),
                                     &size) != 1) {
    return std::nullopt;
  }
  const std::string_view text(name.data(), size);
  if (text == SN_X9_62_prime256v1) {
    return Curve::kP256;
  }
  if (text == SN_secp384r1) {
    return Curve::kP384;
  }
  return std::nullopt;
}

Result<CurvePublicKey> key_of(X509* certificate) {
  EVP_PKEY* const pkey = X509_get0_pubkey(certificate);
  const auto curve =
      pkey != nullptr && EVP_PKEY_is_a(pkey, "EC") == 1 ? curve_of(pkey) : std::nullopt;
  if (!curve) {
    return fail(Errc::kNotSupported, "a certificate's key lies on P-256 or P-384");
  }
  std::array<std::uint8_t, kLargestPointSize> point{};
  std::size_t size = 0;
  if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(),
                                      &size) != 1) {
    return fail(Errc::kEncoding, "a certificate's key has no point");
  }
  return CurvePublicKey::from_point(*curve, ByteView(point).first(size));
}

// Policies need no look: none is asked for (RFC 5280, 6.1.1 c).
bool is_understood(int nid) {
  return nid == NID_key_usage || nid == NID_basic_constraints || nid == NID_certificate_policies;
}

bool has_unknown_critical_extension(const X509* certificate) {
  for (int at = 0; at < X509_get_ext_count(certificate); ++at) {
    X509_EXTENSION* const extension = X509_get_ext(certificate, at);
    if (X509_EXTENSION_get_critical(extension) != 0 &&
        !is_understood(OBJ_obj2nid(X509_EXTENSION_get_object(extension)))) {
      return true;
    }
  }
  return false;
}

bool is_ecdsa(int nid) {
  return nid == NID_ecdsa_with_SHA256 || nid == NID_ecdsa_with_SHA384 ||
         nid == NID_ecdsa_with_SHA512;
}

}  // namespace

Result<X509Certificate> X509Certificate::decode(ByteView der) {
  if (der.size() > kX509MaxSize) {
    return fail(Errc::kLength, "a certificate has at most 4,096 octets");
  }
  const ErrorScope errors;
  const unsigned char* at = der.data();
  const std::shared_ptr<X509> certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())),
                                          X509_free);
  if (certificate == nullptr || at != der.data() + der.size()) {
    return fail(Errc::kEncoding, "these octets are not one X.509 certificate in DER");
  }
  CurvePublicKey key = KB_TRY(key_of(certificate.get()));
  X509Certificate out(der, std::move(key), certificate);
  KB_TRY(out.read_facts());
  return out;
}

Result<void> X509Certificate::read_facts() {
  X509* const certificate = handle_.get();
  const std::uint32_t flags = X509_get_extension_flags(certificate);
  if ((flags & EXFLAG_INVALID) != 0) {
    return fail(Errc::kEncoding, "a certificate's extensions do not decode");
  }
  if (X509_get_version(certificate) != kVersion3 || has_unknown_critical_extension(certificate)) {
    return fail(Errc::kNotSupported,
                "a certificate is of version 3, and its critical extensions are key usage, basic "
                "constraints and policies");
  }
  serial_ = integer_octets(X509_get0_serialNumber(certificate));
  subject_ = encoded_name(X509_get_subject_name(certificate));
  issuer_ = encoded_name(X509_get_issuer_name(certificate));
  subject_key_identifier_ = octets_of(X509_get0_subject_key_id(certificate));
  authority_key_identifier_ = octets_of(X509_get0_authority_key_id(certificate));
  not_before_ = KB_TRY(seconds_of(X509_get0_notBefore(certificate)));
  not_after_ = KB_TRY(seconds_of(X509_get0_notAfter(certificate)));
  const std::uint32_t usage = X509_get_key_usage(certificate);  // all ones without the extension
  authority_ = (flags & EXFLAG_CA) != 0 && (usage & KU_KEY_CERT_SIGN) != 0;
  agreement_ = (usage & KU_KEY_AGREEMENT) != 0;
  const long path_length = X509_get_pathlen(certificate);  // -1 without one
  if (path_length >= 0) {
    path_length_ = static_cast<std::size_t>(path_length);
  }
  if (serial_.empty() || serial_.size() > 21) {
    return fail(Errc::kLength, "a serial number has at most 20 octets (RFC 5280, 4.1.2.2)");
  }
  return {};
}

bool X509Certificate::signed_by(const CurvePublicKey& issuer_key) const {
  const ErrorScope errors;
  return is_ecdsa(X509_get_signature_nid(handle_.get())) &&
         X509_verify(handle_.get(), issuer_key.handle()) == 1;
}

}  // namespace kagibin::crypto
