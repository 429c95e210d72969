// SPDX-License-Identifier: Apache-2.0
#include "kagibin/pki/certificate_template.h"

namespace kagibin::pki {

using tlv::Tlv;
using tlv::TlvReader;

namespace {

constexpr std::size_t kDiscretionaryMaxSize = 127;

Result<CertificateDate> decode_date(ByteView value) {
  CertificateDate date;
  for (const std::uint8_t octet : value) {
    const unsigned high = octet >> 4U;
    const unsigned low = octet & 0x0FU;
    if (high > 9 || low > 9) {
      return fail(Errc::kEncoding, "a date is eight decimal digits");
    }
    date.yyyymmdd = date.yyyymmdd * 100 + high * 10 + low;
  }
  return date;
}

Result<void> decode_key(ByteView value, CertificateTemplate& out) {
  TlvReader in(value);
  out.point = KB_TRY(in.expect(0xB0, 1, TlvReader::kAnyLength)).value;
  out.curve = tlv::to_u8(KB_TRY(in.expect(0xF0, 1)));
  return in.finish();
}

}  // namespace

Result<CertificateTemplate> decode_template(ByteView octets, std::size_t longest_name) {
  const Tlv outer = KB_TRY(tlv::read_single(octets, 0x7F21));
  TlvReader in(outer.value);
  CertificateTemplate out;
  out.serial = KB_TRY(in.expect(0x93, 1, longest_name)).value;
  out.authority = KB_TRY(in.expect(0x42, 1, longest_name)).value;
  out.subject = KB_TRY(in.expect(0x5F20, 1, longest_name)).value;
  out.usage = KB_TRY(in.expect(0x95, 1, 2)).value;
  if (const std::optional<Tlv> effective = KB_TRY(in.optional(0x5F25, 4))) {
    out.effective = KB_TRY(decode_date(effective->value));
  }
  const Tlv expiration = KB_TRY(in.expect(0x5F24, 4));
  out.expiration = KB_TRY(decode_date(expiration.value));
  out.discretionary = KB_TRY(in.optional(0x53, 1, kDiscretionaryMaxSize));
  if (!out.discretionary) {
    out.discretionary = KB_TRY(in.optional(0x73, 1, kDiscretionaryMaxSize));
  }
  if (const std::optional<Tlv> rules = KB_TRY(in.optional(0xBF20, 0, TlvReader::kAnyLength))) {
    out.authorizations = rules->value;
  }
  const Tlv key = KB_TRY(in.expect(0x7F49, 1, TlvReader::kAnyLength));
  KB_TRY(decode_key(key.value, out));
  out.body = in.consumed();
  out.signature = KB_TRY(in.expect(0x5F37, 1, TlvReader::kAnyLength)).value;
  KB_TRY(in.finish());
  return out;
}

std::array<std::uint8_t, 4> encode_date(CertificateDate date) {
  std::array<std::uint8_t, 4> out{};
  std::uint32_t rest = date.yyyymmdd;
  for (std::size_t i = out.size(); i-- > 0;) {
    const std::uint32_t pair = rest % 100;
    out[i] = static_cast<std::uint8_t>((pair / 10) << 4U | pair % 10);
    rest /= 100;
  }
  return out;
}

}  // namespace kagibin::pki
