// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/enrolment/code_attestation.h"
#include "kagibin/envelope/enrolment/enrolment.h"
#include "kagibin/envelope/suite.h"
#include "kagibin/envelope/tlv_fields.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::envelope {

using tlv::Tlv;
using tlv::TlvReader;
using tlv::TlvWriter;

namespace {

constexpr tlv::Tag kCodeAttestation = 0xE5;

}  // namespace

Result<AnswerContent> AnswerContent::decode(ByteView octets) {
  TlvReader in(octets);
  AnswerContent out;
  const Tlv statement = KB_TRY(in.expect(0xE1, 1, TlvReader::kAnyLength));
  out.statement = to_bytes(statement.encoded);
  const auto attestation = KB_TRY(in.optional(kCodeAttestation, 1, TlvReader::kAnyLength));
  if (attestation) {
    out.code_attestation = to_bytes(attestation->encoded);
  } else {
    out.kda_certificate = KB_TRY(read_certificate(in));
    out.maker_certificate = KB_TRY(read_certificate(in));
  }
  if (!in.empty()) {
    out.security_domain_certificate = KB_TRY(read_certificate(in));
  }
  KB_TRY(in.finish());
  KB_TRY(out.check());
  return out;
}

Result<void> AnswerContent::check() const {
  const EnrolmentStatement decoded = KB_TRY(EnrolmentStatement::decode(statement));
  if (code_attestation) {
    KB_TRY(CodeAttestation::decode(*code_attestation));
    if (!kda_certificate.empty() || !maker_certificate.empty()) {
      return fail(Errc::kValue, "an answer is attested by the maker or by a CASD, not by both");
    }
  } else {
    KB_TRY(check_certificate(kda_certificate));
    KB_TRY(check_certificate(maker_certificate));
  }
  if (security_domain_certificate) {
    KB_TRY(check_certificate(*security_domain_certificate));
  }
  if (security_domain_certificate.has_value() != decoded.security_domain_certificate.has_value()) {
    return fail(Errc::kValue, "CERT.SD stands in an answer exactly when the statement names it");
  }
  return {};
}

Bytes AnswerContent::encode() const {
  TlvWriter out;
  out.raw(statement).raw(code_attestation.value_or(Bytes()));
  out.raw(kda_certificate).raw(maker_certificate);
  if (security_domain_certificate) {
    out.raw(*security_domain_certificate);
  }
  return out.take();
}

Result<EnrolmentAnswer> EnrolmentAnswer::decode(ByteView octets) {
  const Tlv outer = KB_TRY(tlv::read_single(octets, 0xE4));
  TlvReader in(outer.value);
  EnrolmentAnswer out;
  KB_TRY(read_version(in));
  out.suite = KB_TRY(read_u8(in, 0x81));
  if (out.suite != answer_suite(out.suite)) {
    return fail(Errc::kValue, "an answer is sealed in suite 01 or 02");
  }
  out.handle = KB_TRY(read_id<Handle>(in, 0x82));
  out.nonce_a = KB_TRY(read_id<Nonce16>(in, 0x83));
  out.ephemeral_key = KB_TRY(read_point(in, 0x84));
  out.sealed = KB_TRY(read_sealed(in, 0x85, 16, kAnswerSealedMaxSize));
  out.mac = KB_TRY(read_array<16>(in, 0x86));
  KB_TRY(in.finish());
  return out;
}

Bytes EnrolmentAnswer::head() const {
  return TlvWriter()
      .put_u8(0x80, kVersion)
      .put_u8(0x81, suite)
      .put(0x82, handle.view())
      .put(0x83, nonce_a.view())
      .put(0x84, ephemeral_key)
      .take();
}

Bytes EnrolmentAnswer::mac_part() const { return TlvWriter().raw(head()).put(0x85, sealed).take(); }

Bytes EnrolmentAnswer::encode() const {
  return tlv::encode(0xE4, TlvWriter().raw(mac_part()).put(0x86, mac).view());
}

}  // namespace kagibin::envelope
