// SPDX-License-Identifier: Apache-2.0
// The fields that several messages share, read as values: identifiers, points, digests, numbers,
// signatures. Inside envelope_format only.
//
// Each reads the next TLV, which has this tag and the length of its type, and fails as
// TlvReader::expect does; beyond that only what is written here is checked.
//
//   TlvReader in(value);
//   KB_TRY(read_version(in));
//   out.spid = KB_TRY(read_id<Spid>(in, 0x82));
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "kagibin/base/aid.h"
#include "kagibin/base/result.h"
#include "kagibin/envelope/enrolment/enrolment.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::envelope {

template <std::size_t N>
Result<std::array<std::uint8_t, N>> read_array(tlv::TlvReader& in, tlv::Tag tag) {
  const tlv::Tlv field = KB_TRY(in.expect(tag, N));
  std::array<std::uint8_t, N> out{};
  std::ranges::copy(field.value, out.begin());
  return out;
}

template <typename Id>
Result<Id> read_id(tlv::TlvReader& in, tlv::Tag tag) {
  const auto octets = KB_TRY(read_array<16>(in, tag));
  return Id{octets};
}

Result<Aid> read_aid(tlv::TlvReader& in, tlv::Tag tag);
Result<std::uint8_t> read_u8(tlv::TlvReader& in, tlv::Tag tag);
Result<std::uint32_t> read_u32(tlv::TlvReader& in, tlv::Tag tag);
Bytes to_bytes(ByteView view);

// TLV 80 with the one version there is; kNotSupported for another.
Result<void> read_version(tlv::TlvReader& in);
// 65 octets that begin with 04; whether the point lies on the curve is for those who use it.
Result<Point> read_point(tlv::TlvReader& in, tlv::Tag tag);
Result<void> check_point(ByteView point);
// CBC ciphertext: a multiple of 16 octets within the limits.
Result<Bytes> read_sealed(tlv::TlvReader& in, tlv::Tag tag, std::size_t min, std::size_t max);
// TLV 9E, 8 to 72 octets. Whether it is minimal DER is for the verification.
Result<Bytes> read_signature(tlv::TlvReader& in);
// The complete TLV 7F21 of at most 320 octets, not looked into.
Result<Bytes> read_certificate(tlv::TlvReader& in);
Result<void> check_certificate(ByteView certificate);

}  // namespace kagibin::envelope
