// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/tlv_fields.h"

namespace kagibin::envelope {

using tlv::Tlv;
using tlv::TlvReader;

Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }

Result<Aid> read_aid(TlvReader& in, tlv::Tag tag) {
  const Tlv field = KB_TRY(in.expect(tag, Aid::kMinLength, Aid::kMaxLength));
  return Aid::from(field.value);
}

Result<std::uint8_t> read_u8(TlvReader& in, tlv::Tag tag) {
  const Tlv field = KB_TRY(in.expect(tag, 1));
  return tlv::to_u8(field);
}

Result<std::uint32_t> read_u32(TlvReader& in, tlv::Tag tag) {
  const Tlv field = KB_TRY(in.expect(tag, 4));
  return tlv::to_u32(field);
}

Result<void> read_version(TlvReader& in) {
  const std::uint8_t version = KB_TRY(read_u8(in, 0x80));
  if (version != kVersion) {
    return fail(Errc::kNotSupported, "the message has another version than 01");
  }
  return {};
}

Result<void> check_point(ByteView point) {
  if (point.size() != kPointSize || point[0] != 0x04) {
    return fail(Errc::kValue, "a point is 04 | X | Y, 65 octets");
  }
  return {};
}

Result<Point> read_point(TlvReader& in, tlv::Tag tag) {
  const Point point = KB_TRY(read_array<kPointSize>(in, tag));
  KB_TRY(check_point(point));
  return point;
}

Result<Bytes> read_sealed(TlvReader& in, tlv::Tag tag, std::size_t min, std::size_t max) {
  const Tlv field = KB_TRY(in.expect(tag, min, max));
  if (field.value.size() % 16 != 0) {
    return fail(Errc::kLength, "a ciphertext is a multiple of 16 octets");
  }
  return to_bytes(field.value);
}

Result<Bytes> read_signature(TlvReader& in) {
  const Tlv field = KB_TRY(in.expect(0x9E, kSignatureMinSize, kSignatureMaxSize));
  return to_bytes(field.value);
}

Result<Bytes> read_certificate(TlvReader& in) {
  const Tlv field = KB_TRY(in.expect(0x7F21, 1, TlvReader::kAnyLength));
  KB_TRY(check_certificate(field.encoded));
  return to_bytes(field.encoded);
}

Result<void> check_certificate(ByteView certificate) {
  const Tlv field = KB_TRY(tlv::read_single(certificate, 0x7F21));
  if (field.value.empty() || certificate.size() > kCertificateMaxSize) {
    return fail(Errc::kLength, "a certificate has at most 320 octets");
  }
  return {};
}

}  // namespace kagibin::envelope
