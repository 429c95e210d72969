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

constexpr std::size_t kDiscretionaryMaxSize = 127;
constexpr std::uint8_t kCurveP256 = 0x00;  // F0, key parameter reference (Amendment F, table 4-3)

// Key usage (Amendment F, 6.1): 82 verifies signatures, 0080 agrees on keys. One a kind.
Bytes usage_of(CertificateKind kind) {
  const bool agrees = kind == CertificateKind::kOce || kind == CertificateKind::kSecurityDomain;
  return agrees ? Bytes{0x00, 0x80} : Bytes{0x82};
}

Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }

Result<CertificateDate> read_date(TlvReader& in, tlv::Tag tag) {
  const Tlv field = KB_TRY(in.expect(tag, 4));
  CertificateDate date;
  for (const std::uint8_t octet : field.value) {
    const unsigned high = octet >> 4U;
    const unsigned low = octet & 0x0FU;
    if (high > 9 || low > 9) {
      return fail(Errc::kEncoding, "a date is eight decimal digits");
    }
    date.yyyymmdd = date.yyyymmdd * 100 + high * 10 + low;
  }
  return date;
}

std::array<std::uint8_t, 4> bcd(CertificateDate date) {
  std::array<std::uint8_t, 4> out{};
  std::uint32_t rest = date.yyyymmdd;
  for (std::size_t i = out.size(); i-- > 0;) {
    const std::uint32_t pair = rest % 100;
    out[i] = static_cast<std::uint8_t>((pair / 10) << 4U | pair % 10);
    rest /= 100;
  }
  return out;
}

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
  return out.take();
}

Result<Bytes> decode_key(ByteView value) {
  TlvReader in(value);
  const Tlv point = KB_TRY(in.expect(0xB0, crypto::kEcPointSize));
  const Tlv curve = KB_TRY(in.expect(0xF0, 1));
  KB_TRY(in.finish());
  if (tlv::to_u8(curve) != kCurveP256) {
    return fail(Errc::kNotSupported, "a certificate's key lies on P-256");
  }
  return to_bytes(point.value);
}

}  // namespace

Result<CertificateBody> decode_body(ByteView octets) {
  TlvReader in(octets);
  CertificateBody out;
  const Tlv serial = KB_TRY(in.expect(0x93, 1, 16));
  out.fields.serial = to_bytes(serial.value);
  const Tlv issuer = KB_TRY(in.expect(0x42, 1, 16));
  out.fields.issuer = to_bytes(issuer.value);
  const Tlv subject = KB_TRY(in.expect(0x5F20, 16));
  std::ranges::copy(subject.value, out.fields.subject.begin());
  const Tlv usage = KB_TRY(in.expect(0x95, 1, 2));
  out.fields.effective = KB_TRY(read_date(in, 0x5F25));
  out.fields.expiration = KB_TRY(read_date(in, 0x5F24));
  const Tlv discretionary = KB_TRY(in.expect(0x53, 1, kDiscretionaryMaxSize));
  KB_TRY(decode_discretionary(discretionary.value, out.fields));
  const Tlv key = KB_TRY(in.expect(0x7F49, 1, TlvReader::kAnyLength));
  out.point = KB_TRY(decode_key(key.value));
  KB_TRY(in.finish());
  KB_TRY(check_fields(out.fields));
  if (!equal(usage.value, usage_of(out.fields.kind))) {
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
      .put(0x5F25, bcd(fields.effective))
      .put(0x5F24, bcd(fields.expiration))
      .put(0x53, encode_discretionary(fields))
      .put(0x7F49, TlvWriter().put(0xB0, point).put_u8(0xF0, kCurveP256).view())
      .take();
}

}  // namespace kagibin::pki
