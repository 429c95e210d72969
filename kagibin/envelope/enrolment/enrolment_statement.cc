// SPDX-License-Identifier: Apache-2.0
#include "kagibin/base/byte_io.h"
#include "kagibin/envelope/enrolment/enrolment.h"
#include "kagibin/envelope/suite.h"
#include "kagibin/envelope/tlv_fields.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::envelope {

using tlv::Tlv;
using tlv::TlvReader;
using tlv::TlvWriter;

namespace {

constexpr std::uint8_t kRelayLevels = 0x0F;    // b1 RL1 ... b4 RL4
constexpr std::uint8_t kOwnDelivery = 0x10;    // b5 OS
constexpr std::uint8_t kAnnouncesNext = 0x80;  // b8 of 88
constexpr std::uint8_t kScp11Levels = 0x0A;    // RL2 and RL4 rest on CERT.SD
constexpr std::uint16_t kP256Kem = 0x0010;     // IANA, HPKE KEM identifiers
constexpr std::uint8_t kHighestKeyVersion = 0x7F;

Result<std::uint16_t> read_u16(TlvReader& in, tlv::Tag tag) {
  const Tlv field = KB_TRY(in.expect(tag, 2));
  return ByteReader(field.value).u16();
}

}  // namespace

Result<EnrolmentStatement> EnrolmentStatement::decode(ByteView octets) {
  const Tlv outer = KB_TRY(tlv::read_single(octets, 0xE1));
  TlvReader in(outer.value);
  EnrolmentStatement out;
  KB_TRY(read_version(in));
  out.nonce_a = KB_TRY(read_id<Nonce16>(in, 0x81));
  out.nonce_k = KB_TRY(read_id<Nonce16>(in, 0x82));
  out.suite = KB_TRY(read_u8(in, 0x83));
  const SuiteInfo suite = KB_TRY(suite_info(out.suite));
  const Tlv enrolment_key = KB_TRY(in.expect(0x84, suite.enrolment_key_size));
  out.enrolment_key = to_bytes(enrolment_key.value);
  out.seid = KB_TRY(read_id<Seid>(in, 0x85));
  out.kda = KB_TRY(read_aid(in, 0x86));
  out.code_hash = KB_TRY(read_array<32>(in, 0x87));
  const std::uint8_t offered = KB_TRY(read_u8(in, 0x88));
  out.announces_next = (offered & kAnnouncesNext) != 0;
  out.level_bitmap = static_cast<std::uint8_t>(offered & ~kAnnouncesNext);
  out.enrolment_counter = KB_TRY(read_u32(in, 0x89));
  out.target = KB_TRY(read_aid(in, 0x8A));
  out.highest_key_version = KB_TRY(read_u8(in, 0x8B));
  out.last_committed_seq = KB_TRY(read_u32(in, 0x8C));
  out.min_epoch = KB_TRY(read_u16(in, 0x8D));
  out.handle = KB_TRY(read_id<Handle>(in, 0x8E));
  out.spid = KB_TRY(read_id<Spid>(in, 0x8F));
  if (const std::optional<Tlv> hash = KB_TRY(in.optional(0x90, 32))) {
    out.security_domain_certificate = to_array<32>(hash->value);
  }
  out.signature = KB_TRY(read_signature(in));
  KB_TRY(in.finish());
  KB_TRY(out.check());
  return out;
}

Result<void> EnrolmentStatement::check() const {
  const SuiteInfo info = KB_TRY(suite_info(suite));
  if (enrolment_key.size() != info.enrolment_key_size) {
    return fail(Errc::kLength, "pkE has the length of its suite");
  }
  if (info.enrolment_kem() == kP256Kem) {
    KB_TRY(check_point(enrolment_key));
  }
  if (!kda || !target) {
    return fail(Errc::kInvalidArgument, "a statement names the KDA and the target");
  }
  const bool is_relayed = level_bitmap != 0 && (level_bitmap & ~kRelayLevels) == 0;
  const bool is_own = level_bitmap == kOwnDelivery && kda == target;
  if (!is_relayed && !is_own) {
    return fail(Errc::kValue,
                "a statement offers one or more of RL1 to RL4, or OS alone, of the target itself");
  }
  if (highest_key_version > kHighestKeyVersion) {
    return fail(Errc::kValue, "a key version number is 01 to 7F, or 00 where it is unknown");
  }
  if (security_domain_certificate.has_value() != ((level_bitmap & kScp11Levels) != 0)) {
    return fail(Errc::kValue, "TLV 90 stands in a statement exactly when it offers RL2 or RL4");
  }
  return {};
}

Bytes EnrolmentStatement::signed_part() const {
  KB_CHECK(kda.has_value() && target.has_value());
  TlvWriter out;
  out.put_u8(0x80, kVersion)
      .put(0x81, nonce_a.view())
      .put(0x82, nonce_k.view())
      .put_u8(0x83, suite)
      .put(0x84, enrolment_key)
      .put(0x85, seid.view())
      .put(0x86, kda->view())
      .put(0x87, code_hash)
      .put_u8(0x88, static_cast<std::uint8_t>(level_bitmap | (announces_next ? kAnnouncesNext : 0)))
      .put_u32(0x89, enrolment_counter)
      .put(0x8A, target->view())
      .put_u8(0x8B, highest_key_version)
      .put_u32(0x8C, last_committed_seq)
      .put(0x8D, ByteWriter().u16(min_epoch).view())
      .put(0x8E, handle.view())
      .put(0x8F, spid.view());
  if (security_domain_certificate) {
    out.put(0x90, *security_domain_certificate);
  }
  return out.take();
}

Bytes EnrolmentStatement::encode() const {
  return tlv::encode(0xE1, TlvWriter().raw(signed_part()).put(0x9E, signature).view());
}

}  // namespace kagibin::envelope
