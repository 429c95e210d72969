// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "kagibin/envelope/delivery_message.h"
#include "kagibin/envelope/suite.h"
#include "kagibin/envelope/tlv_fields.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::envelope {

using tlv::Tlv;
using tlv::TlvReader;
using tlv::TlvWriter;

namespace {

constexpr std::uint8_t kScp11aKeyIdentifier = 0x11;  // GPCS Amendment F, 5.1
constexpr std::size_t kTagSize = 16;                 // of AES-GCM

}  // namespace

Result<EnvelopeHeader> EnvelopeHeader::decode(ByteView octets) {
  const Tlv outer = KB_TRY(tlv::read_single(octets, 0xA0));
  TlvReader in(outer.value);
  EnvelopeHeader out;
  KB_TRY(read_version(in));
  out.suite = KB_TRY(read_u8(in, 0x81));
  KB_TRY(suite_info(out.suite));
  out.spid = KB_TRY(read_id<Spid>(in, 0x82));
  out.handle = KB_TRY(read_id<Handle>(in, 0x83));
  out.level = KB_TRY(read_u8(in, 0x84));
  KB_TRY(relay_level_info(out.level));  // before 85, whose layout depends on it
  if (!out.is_own_delivery()) {
    const auto parameters = KB_TRY(read_array<2>(in, 0x85));
    if (out.is_by_certificates()) {
      out.key_identifier = parameters[0];
      out.key_version_number = parameters[1];
    } else {
      out.key_version_number = parameters[0];
      out.required_i_mask = parameters[1];
    }
  }
  out.seq = KB_TRY(read_u32(in, 0x86));
  out.issued_at = KB_TRY(read_u32(in, 0x87));
  out.not_after = KB_TRY(read_u32(in, 0x88));
  if (const std::optional<Tlv> nonce = KB_TRY(in.optional(0x89, 16))) {
    std::ranges::copy(nonce->value, out.next_nonce_a.emplace().octets.begin());
  }
  KB_TRY(in.finish());
  KB_TRY(out.check());
  return out;
}

Result<void> EnvelopeHeader::check() const {
  KB_TRY(suite_info(suite));
  KB_TRY(relay_level_info(level));
  if (seq == 0) {
    return fail(Errc::kValue, "SEQ counts from 1: no element accepts 0");
  }
  if (is_own_delivery()) {
    const bool has_channel = key_version_number != 0 || key_identifier != 0 || required_i_mask != 0;
    return has_channel ? fail(Errc::kValue, "at OS there is no channel to name keys for")
                       : Result<void>();
  }
  if (key_version_number < 0x01 || key_version_number > 0x7F) {
    return fail(Errc::kValue, "the channel's key version number is 01 to 7F");
  }
  if (is_by_certificates() && (key_identifier != kScp11aKeyIdentifier || required_i_mask != 0)) {
    return fail(Errc::kValue, "RL2 and RL4 open the channel by SCP11a, whose key has KID 11");
  }
  if (is_under_static_dek() && !suite_info(suite)->is_hybrid()) {
    return fail(Errc::kValue, "RL4 takes a suite with ML-KEM: 20 or 21");
  }
  if (!is_by_certificates() && key_identifier != 0) {
    return fail(Errc::kValue, "RL1 and RL3 name the channel's keys by their version alone");
  }
  return {};
}

Bytes EnvelopeHeader::encode() const {
  const std::array<std::uint8_t, 2> parameters =
      is_by_certificates() ? std::array{key_identifier, key_version_number}
                           : std::array{key_version_number, required_i_mask};
  TlvWriter out;
  out.put_u8(0x80, kVersion)
      .put_u8(0x81, suite)
      .put(0x82, spid.view())
      .put(0x83, handle.view())
      .put_u8(0x84, level);
  if (!is_own_delivery()) {
    out.put(0x85, parameters);
  }
  out.put_u32(0x86, seq).put_u32(0x87, issued_at).put_u32(0x88, not_after);
  if (next_nonce_a) {
    out.put(0x89, next_nonce_a->view());
  }
  return tlv::encode(0xA0, out.view());
}

Result<Envelope> Envelope::decode(ByteView octets) {
  const Tlv outer = KB_TRY(tlv::read_single(octets, 0xE2));
  TlvReader in(outer.value);
  Envelope out;
  const Tlv first = KB_TRY(in.expect(0xA0, 1, TlvReader::kAnyLength));
  const EnvelopeHeader header = KB_TRY(EnvelopeHeader::decode(first.encoded));
  out.header = to_bytes(first.encoded);
  const SuiteInfo suite = KB_TRY(suite_info(header.suite));
  const Tlv body = KB_TRY(in.expect(0xA1, 1, TlvReader::kAnyLength));
  out.signature = KB_TRY(read_signature(in));
  KB_TRY(in.finish());
  TlvReader sealed(body.value);
  KB_TRY(out.read_sealed_part(sealed, suite));
  KB_TRY(sealed.finish());
  return out;
}

Result<void> Envelope::read_sealed_part(TlvReader& in, const SuiteInfo& suite) {
  if (!suite.is_hpke()) {
    const Point point = KB_TRY(read_point(in, 0x80));
    ephemeral_key.assign(point.begin(), point.end());
    sealed = KB_TRY(read_sealed(in, 0x81, 16, suite.sealed_max_size_bytes()));
    mac = KB_TRY(read_array<16>(in, 0x82));
    return {};
  }
  const Tlv encapsulated = KB_TRY(in.expect(0x80, suite.encapsulated_size));
  ephemeral_key = to_bytes(encapsulated.value);
  const Tlv ciphertext = KB_TRY(in.expect(0x81, kTagSize + 1, suite.sealed_max_size_bytes()));
  sealed = to_bytes(ciphertext.value);
  return {};
}

Bytes Envelope::ephemeral_tlv() const { return tlv::encode(0x80, ephemeral_key); }

Bytes Envelope::mac_tlvs() const {
  return TlvWriter().put(0x80, ephemeral_key).put(0x81, sealed).take();
}

Bytes Envelope::sealed_tlv() const {
  TlvWriter out;
  out.raw(mac_tlvs());
  if (mac) {
    out.put(0x82, *mac);
  }
  return tlv::encode(0xA1, out.view());
}

Bytes Envelope::encode() const {
  return tlv::encode(0xE2, TlvWriter().raw(header).raw(sealed_tlv()).put(0x9E, signature).view());
}

}  // namespace kagibin::envelope
