// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/enrolment/code_attestation.h"

#include "kagibin/envelope/tlv_fields.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::envelope {

using tlv::Tlv;
using tlv::TlvReader;
using tlv::TlvWriter;

namespace {

constexpr tlv::Tag kAttestation = 0xE5;
constexpr tlv::Tag kProfile = 0x80;
constexpr tlv::Tag kKdaKey = 0x81;
constexpr tlv::Tag kCasdStatement = 0xE6;
constexpr std::uint8_t kByCasd = 0x02;

}  // namespace

Result<CodeAttestation> CodeAttestation::decode(ByteView octets) {
  const Tlv outer = KB_TRY(tlv::read_single(octets, kAttestation));
  TlvReader in(outer.value);
  if (KB_TRY(read_u8(in, kProfile)) != kByCasd) {
    return fail(Errc::kNotSupported, "a CASD attests under the profile 02");
  }
  CodeAttestation out;
  out.kda_key = KB_TRY(read_point(in, kKdaKey));
  out.certificate = KB_TRY(read_certificate(in));
  out.statement = to_bytes(KB_TRY(in.expect(kCasdStatement, 1, kMaxStatement)).encoded);
  KB_TRY(in.finish());
  return out;
}

Result<void> CodeAttestation::check() const {
  KB_TRY(check_point(kda_key));
  KB_TRY(check_certificate(certificate));
  const Tlv made = KB_TRY(tlv::read_single(statement, kCasdStatement));
  if (made.value.empty() || made.value.size() > kMaxStatement) {
    return fail(Errc::kLength, "a CASD's statement has 1 to 255 octets");
  }
  return {};
}

Bytes CodeAttestation::attested_head() const {
  Bytes out;
  append(out, ascii(kLabelAttestation));
  append(out, tlv::encode(kKdaKey, kda_key));
  return out;
}

Bytes CodeAttestation::encode() const {
  return tlv::encode(kAttestation, TlvWriter()
                                       .put_u8(kProfile, kByCasd)
                                       .put(kKdaKey, kda_key)
                                       .raw(certificate)
                                       .raw(statement)
                                       .view());
}

}  // namespace kagibin::envelope
