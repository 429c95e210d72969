// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/enrolment/enrolment.h"
#include "kagibin/envelope/suite.h"
#include "kagibin/envelope/tlv_fields.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::envelope {

using tlv::Tlv;
using tlv::TlvReader;
using tlv::TlvWriter;

namespace {

// Bits of 86.
constexpr unsigned kCancel = 0x01;
constexpr unsigned kOwnDelivery = 0x02;
constexpr unsigned kFlags = kCancel | kOwnDelivery;

}  // namespace

Result<EnrolmentRequest> EnrolmentRequest::decode(ByteView octets) {
  const Tlv outer = KB_TRY(tlv::read_single(octets, 0xE0));
  TlvReader in(outer.value);
  EnrolmentRequest out;
  KB_TRY(read_version(in));
  out.suite = KB_TRY(read_u8(in, 0x81));
  KB_TRY(suite_info(out.suite));
  out.spid = KB_TRY(read_id<Spid>(in, 0x82));
  out.nonce_a = KB_TRY(read_id<Nonce16>(in, 0x83));
  out.target = KB_TRY(read_aid(in, 0x84));
  out.kem_key = KB_TRY(read_point(in, 0x85));
  const std::uint8_t flags = KB_TRY(read_u8(in, 0x86));
  if ((flags & ~kFlags) != 0) {
    return fail(Errc::kValue, "a request has the flags b1, cancel, and b2, own delivery, alone");
  }
  out.cancel = (flags & kCancel) != 0;
  out.own_delivery = (flags & kOwnDelivery) != 0;
  if (const std::optional<Tlv> acknowledged = KB_TRY(in.optional(0x87, 32))) {
    out.acknowledged_receipt = to_array<32>(acknowledged->value);
  }
  out.certificate = KB_TRY(read_certificate(in));
  out.signature = KB_TRY(read_signature(in));
  KB_TRY(in.finish());
  return out;
}

Result<void> EnrolmentRequest::check() const {
  KB_TRY(suite_info(suite));
  if (!target) {
    return fail(Errc::kInvalidArgument, "a request names its target");
  }
  KB_TRY(check_point(kem_key));
  return check_certificate(certificate);
}

Bytes EnrolmentRequest::signed_part() const {
  KB_CHECK(target.has_value());
  const unsigned flags = (cancel ? kCancel : 0U) | (own_delivery ? kOwnDelivery : 0U);
  TlvWriter out;
  out.put_u8(0x80, kVersion)
      .put_u8(0x81, suite)
      .put(0x82, spid.view())
      .put(0x83, nonce_a.view())
      .put(0x84, target->view())
      .put(0x85, kem_key)
      .put_u8(0x86, static_cast<std::uint8_t>(flags));
  if (acknowledged_receipt) {
    out.put(0x87, *acknowledged_receipt);
  }
  return out.raw(certificate).take();
}

Bytes EnrolmentRequest::kem_key_tlv() const { return tlv::encode(0x85, kem_key); }

Bytes EnrolmentRequest::encode() const {
  return tlv::encode(0xE0, TlvWriter().raw(signed_part()).put(0x9E, signature).view());
}

}  // namespace kagibin::envelope
