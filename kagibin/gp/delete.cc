// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/delete.h"

#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::gp {

namespace {

constexpr std::uint8_t kRelated = 0x80;
constexpr tlv::Tag kAid = 0x4F;
constexpr tlv::Tag kIdentifier = 0xD0;
constexpr tlv::Tag kVersion = 0xD2;
constexpr tlv::Tag kTokenReference = 0xB6;
constexpr tlv::Tag kToken = 0x9E;

apdu::CommandApdu command(std::uint8_t p2, Bytes data) {
  return {.cla = 0x80,
          .ins = apdu::ins::kDelete,
          .p1 = 0,
          .p2 = p2,
          .data = std::move(data),
          .le = 256};
}

Result<void> finish(tlv::TlvReader& in) {
  if (!in.empty()) {
    const tlv::Tlv next = KB_TRY(in.next());
    if (next.tag == kToken || next.tag == kTokenReference) {
      return fail(Errc::kNotSupported, "DELETE with a token is not taken");
    }
    return fail(Errc::kUnexpectedTag, "DELETE names one object, or keys by D0 and D2");
  }
  return {};
}

}  // namespace

apdu::CommandApdu DeleteObject::encode() const {
  return command(related ? kRelated : 0, tlv::encode(kAid, aid.view()));
}

apdu::CommandApdu DeleteKeys::encode() const {
  KB_CHECK(identifier.has_value() || version.has_value());
  tlv::TlvWriter out;
  if (identifier) {
    out.put_u8(kIdentifier, *identifier);
  }
  if (version) {
    out.put_u8(kVersion, *version);
  }
  return command(0, out.take());
}

Result<Delete> decode_delete(std::uint8_t p1, std::uint8_t p2, ByteView data) {
  if (p1 != 0 || (p2 != 0 && p2 != kRelated)) {
    return fail(Errc::kValue, "DELETE is one command (P1 00), P2 00 or 80");
  }
  tlv::TlvReader in(data);
  if (const auto aid = KB_TRY(in.optional(kAid, Aid::kMinLength, Aid::kMaxLength))) {
    KB_TRY(finish(in));
    return DeleteObject{.aid = KB_TRY(Aid::from(aid->value)), .related = p2 == kRelated};
  }
  DeleteKeys out;
  if (const auto identifier = KB_TRY(in.optional(kIdentifier, 1))) {
    out.identifier = tlv::to_u8(*identifier);
  }
  if (const auto version = KB_TRY(in.optional(kVersion, 1))) {
    out.version = tlv::to_u8(*version);
  }
  KB_TRY(finish(in));
  if (!out.identifier && !out.version) {
    return fail(Errc::kTruncated, "DELETE names an object or a key");
  }
  if (p2 != 0) {
    return fail(Errc::kValue, "keys are deleted with P2 00");
  }
  return out;
}

}  // namespace kagibin::gp
