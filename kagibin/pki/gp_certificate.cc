// SPDX-License-Identifier: Apache-2.0
#include "kagibin/pki/gp_certificate.h"

#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/pki/certificate_template.h"

namespace kagibin::pki {

namespace {

constexpr std::size_t kLongestName = 20;
constexpr std::size_t kLongestDiscretionary = 127;

Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }

bool is_name(ByteView name) { return !name.empty() && name.size() <= kLongestName; }

Result<CertifiedUse> decode_use(ByteView usage) {
  if (equal(usage, kUsageVerification)) {
    return CertifiedUse::kVerification;
  }
  if (equal(usage, kUsageKeyAgreement)) {
    return CertifiedUse::kKeyAgreement;
  }
  return fail(Errc::kValue, "a key's usage is 82, verification, or 0080, key agreement");
}

// What holds of every certificate, read or issued.
Result<void> check(const GpCertificateFields& fields) {
  if (fields.authorizations && fields.use == CertifiedUse::kVerification) {
    return fail(Errc::kValue, "a certificate that verifies others has no authorisations (BF20)");
  }
  if (!fields.expiration.is_calendar_day() ||
      (fields.effective && !fields.effective->is_calendar_day())) {
    return fail(Errc::kValue, "a date is a day of the calendar, YYYYMMDD");
  }
  if (fields.effective && fields.expiration < *fields.effective) {
    return fail(Errc::kValue, "a certificate does not expire before it takes effect");
  }
  return {};
}

bool fits(const GpCertificateFields& fields) {
  return is_name(fields.serial) && is_name(fields.authority) && is_name(fields.subject) &&
         fields.discretionary.size() <= kLongestDiscretionary && check(fields).has_value();
}

}  // namespace

Result<GpCertificate> GpCertificate::decode(ByteView octets) {
  if (octets.size() > kGpCertificateMaxSize) {
    return fail(Errc::kLength, "a certificate has at most 2,048 octets");
  }
  const CertificateTemplate objects = KB_TRY(decode_template(octets, kLongestName));
  GpCertificateFields fields{.serial = to_bytes(objects.serial),
                             .authority = to_bytes(objects.authority),
                             .subject = to_bytes(objects.subject)};
  fields.use = KB_TRY(decode_use(objects.usage));
  fields.effective = objects.effective;
  fields.expiration = objects.expiration;
  if (objects.discretionary) {
    fields.discretionary = to_bytes(objects.discretionary->value);
  }
  if (objects.authorizations) {
    fields.authorizations = to_bytes(*objects.authorizations);
  }
  KB_TRY(check(fields));
  const auto curve = crypto::curve_of_reference(objects.curve);
  if (!curve) {
    return fail(Errc::kNotSupported, "a certificate's key lies on P-256 or P-384");
  }
  crypto::CurvePublicKey key = KB_TRY(crypto::CurvePublicKey::from_point(*curve, objects.point));
  return GpCertificate(std::move(fields), std::move(key), octets);
}

Result<GpCertificate> GpCertificate::issue(const GpCertificateFields& fields,
                                           const crypto::CurvePublicKey& subject_key,
                                           const crypto::CurvePrivateKey& issuer_key,
                                           crypto::Rng& rng) {
  if (!fits(fields)) {
    return fail(Errc::kInvalidArgument, "the fields of a certificate are outside their limits");
  }
  tlv::TlvWriter body;
  body.put(0x93, fields.serial).put(0x42, fields.authority).put(0x5F20, fields.subject);
  body.put(0x95, fields.use == CertifiedUse::kKeyAgreement ? ByteView(kUsageKeyAgreement)
                                                           : ByteView(kUsageVerification));
  if (fields.effective) {
    body.put(0x5F25, encode_date(*fields.effective));
  }
  body.put(0x5F24, encode_date(fields.expiration));
  if (!fields.discretionary.empty()) {
    body.put(0x53, fields.discretionary);
  }
  if (fields.authorizations) {
    body.put(0xBF20, *fields.authorizations);
  }
  tlv::TlvWriter key;
  key.put(0xB0, subject_key.point());
  key.put_u8(0xF0, crypto::key_parameter_reference(subject_key.curve()));
  body.put(0x7F49, key.view());
  const Bytes signature = KB_TRY(crypto::ecdsa_sign_raw(issuer_key, {body.view()}, rng));
  auto issued =
      decode(tlv::encode(0x7F21, tlv::TlvWriter().raw(body.view()).put(0x5F37, signature).view()));
  if (!issued) {
    return fail(Errc::kInvalidArgument, "the fields of a certificate are outside their limits");
  }
  return issued;
}

bool GpCertificate::signed_by(const crypto::CurvePublicKey& issuer_key) const {
  const auto objects = decode_template(encoded_, kLongestName);
  KB_CHECK(objects.has_value());
  return crypto::ecdsa_verify_raw(issuer_key, {objects->body}, objects->signature);
}

}  // namespace kagibin::pki
