// SPDX-License-Identifier: Apache-2.0
#include "kagibin/pki/certificate_body.h"

#include <algorithm>
#include <utility>

#include "kagibin/base/byte_io.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::pki {

using tlv::Tlv;
using tlv::TlvReader;
using tlv::TlvWriter;

namespace {

constexpr std::uint8_t kCurveP256 = 0x00;  // F0, key parameter reference (Amendment F, table 4-3)

// One key usage a kind.
ByteView usage_of(CertificateKind kind) {
  const bool agrees = kind == CertificateKind::kOce || kind == CertificateKind::kSecurityDomain ||
                      kind == CertificateKind::kCasdAgreement;
  return agrees ? ByteView(kUsageKeyAgreement) : ByteView(kUsageVerification);
}

Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }

Result<void> decode_discretionary(ByteView value, CertificateFields& out) {
  TlvReader in(value);
  const Tlv kind = KB_TRY(in.expect(0x80, 1));
  out.kind = static_cast<CertificateKind>(tlv::to_u8(kind));  // judged by check_fields
  const Tlv epoch = KB_TRY(in.expect(0x81, 2));
  out.epoch = KB_TRY(ByteReader(epoch.value).u16());
  while (true) {
    const std::optional<Tlv> aid = KB_TRY(in.optional(0x82, Aid::kMinLength, Aid::kMaxLength));
    if (!aid) {
      break;
    }
    out.aids.push_back(to_bytes(aid->value));
  }
  if (const std::optional<Tlv> hash = KB_TRY(in.optional(0x83, 32))) {
    out.code_hash = to_array<32>(hash->value);
  }
  if (const std::optional<Tlv> platform = KB_TRY(in.optional(0x84, 16))) {
    out.platform = to_array<16>(platform->value);
  }
  if (const std::optional<Tlv> profile = KB_TRY(in.optional(0x85, 1))) {
    if (tlv::to_u8(*profile) > std::to_underlying(AttestationProfile::kAtt2)) {
      return fail(Errc::kValue, "an attestation profile is ATT-0, ATT-1 or ATT-2");
    }
    out.attestation = static_cast<AttestationProfile>(tlv::to_u8(*profile));
  }
  if (const std::optional<Tlv> owner = KB_TRY(in.optional(0x86, 16))) {
    std::ranges::copy(owner->value, out.owner.emplace().octets.begin());
  }
  if (const std::optional<Tlv> maker = KB_TRY(in.optional(0x87, 32))) {
    out.maker_key = to_array<32>(maker->value);
  }
  return in.finish();
}

Bytes encode_discretionary(const CertificateFields& fields) {
  TlvWriter out;
  out.put_u8(0x80, std::to_underlying(fields.kind));
  out.put(0x81, ByteWriter().u16(fields.epoch).view());
  for (const Bytes& aid : fields.aids) {
    out.put(0x82, aid);
  }
  if (fields.code_hash) {
    out.put(0x83, *fields.code_hash);
  }
  if (fields.platform) {
    out.put(0x84, *fields.platform);
  }
  if (fields.attestation) {
    out.put_u8(0x85, std::to_underlying(*fields.attestation));
  }
  if (fields.owner) {
    out.put(0x86, fields.owner->view());
  }
  if (fields.maker_key) {
    out.put(0x87, *fields.maker_key);
  }
  return out.take();
}

}  // namespace

Result<CertificateFields> fields_of(const CertificateTemplate& objects) {
  CertificateFields out;
  out.serial = to_bytes(objects.serial);
  out.issuer = to_bytes(objects.authority);
  if (objects.subject.size() != out.subject.size()) {
    return fail(Errc::kLength, "the subject of a certificate is 16 octets");
  }
  std::ranges::copy(objects.subject, out.subject.begin());
  if (!objects.effective || !objects.discretionary || objects.discretionary->tag != 0x53 ||
      objects.authorizations) {
    return fail(Errc::kUnexpectedTag, "a certificate has 5F25 and 53, and no BF20");
  }
  out.effective = *objects.effective;
  out.expiration = objects.expiration;
  KB_TRY(decode_discretionary(objects.discretionary->value, out));
  if (objects.point.size() != crypto::kEcPointSize) {
    return fail(Errc::kLength, "a point on P-256 is 65 octets");
  }
  if (objects.curve != kCurveP256) {
    return fail(Errc::kNotSupported, "a certificate's key lies on P-256");
  }
  KB_TRY(check_fields(out));
  if (!equal(objects.usage, usage_of(out.kind))) {
    return fail(Errc::kValue, "the key usage does not fit the certificate's kind");
  }
  return out;
}

Bytes encode_body(const CertificateFields& fields, ByteView point) {
  return TlvWriter()
      .put(0x93, fields.serial)
      .put(0x42, fields.issuer)
      .put(0x5F20, fields.subject)
      .put(0x95, usage_of(fields.kind))
      .put(0x5F25, encode_date(fields.effective))
      .put(0x5F24, encode_date(fields.expiration))
      .put(0x53, encode_discretionary(fields))
      .put(0x7F49, TlvWriter().put(0xB0, point).put_u8(0xF0, kCurveP256).view())
      .take();
}

}  // namespace kagibin::pki
