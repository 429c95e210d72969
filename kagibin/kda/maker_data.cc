// SPDX-License-Identifier: Apache-2.0
#include "kagibin/kda/maker_data.h"

#include <algorithm>

#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::kda {

namespace {

constexpr std::size_t kPointSize = 65;

Result<Point> point(tlv::TlvReader& in, tlv::Tag tag) {
  const tlv::Tlv field = KB_TRY(in.expect(tag, kPointSize));
  Point out{};
  std::ranges::copy(field.value, out.begin());
  return out;
}

Bytes copy(ByteView octets) { return {octets.begin(), octets.end()}; }

}  // namespace

Result<GeneratedKeys> GeneratedKeys::decode(ByteView octets) {
  tlv::TlvReader in(octets);
  GeneratedKeys out;
  out.signing_key = KB_TRY(point(in, 0x80));
  out.agreement_key = KB_TRY(point(in, 0x81));
  KB_TRY(in.finish());
  return out;
}

Bytes GeneratedKeys::encode() const {
  return tlv::TlvWriter().put(0x80, signing_key).put(0x81, agreement_key).take();
}

Result<StoredCertificates> StoredCertificates::decode(ByteView octets) {
  tlv::TlvReader in(octets);
  StoredCertificates out;
  out.authority_key = KB_TRY(point(in, 0x80));
  out.maker_certificate = copy(KB_TRY(in.expect(0x81, 1, kMaxCertificate)).value);
  out.kda_certificate = copy(KB_TRY(in.expect(0x82, 1, kMaxCertificate)).value);
  if (const auto oce = KB_TRY(in.optional(0x83, 1, kMaxCertificate))) {
    out.oce_certificate = copy(oce->value);
  }
  KB_TRY(in.finish());
  return out;
}

Bytes StoredCertificates::encode() const {
  tlv::TlvWriter out;
  out.put(0x80, authority_key).put(0x81, maker_certificate).put(0x82, kda_certificate);
  if (oce_certificate) {
    out.put(0x83, *oce_certificate);
  }
  return out.take();
}

}  // namespace kagibin::kda
