// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/content/delete.h"

#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::gp {

namespace {

constexpr std::uint8_t kRelated = 0x80;
constexpr tlv::Tag kAid = 0x4F;
constexpr tlv::Tag kIdentifier = 0xD0;
constexpr tlv::Tag kVersion = 0xD2;
constexpr tlv::Tag kControlReference = 0xB6;
constexpr tlv::Tag kToken = 0x9E;
constexpr std::size_t kLongest = 1'024;  // octets of a token or of its control reference

apdu::CommandApdu command(std::uint8_t p2, Bytes data) {
  return {.cla = 0x80,
          .ins = apdu::ins::kDelete,
          .p1 = 0,
          .p2 = p2,
          .data = std::move(data),
          .le = 256};
}

Bytes copy(const tlv::Tlv& object) { return {object.value.begin(), object.value.end()}; }

Result<void> finish(const tlv::TlvReader& in) {
  if (!in.empty()) {
    return fail(Errc::kUnexpectedTag,
                "DELETE names one object, or keys by D0 and D2 (GPCS 11.2.2.3)");
  }
  return {};
}

}  // namespace

apdu::CommandApdu DeleteObject::encode() const {
  tlv::TlvWriter out;
  out.put(kAid, aid.view());
  if (!control_reference.empty()) {
    out.put(kControlReference, control_reference);
  }
  if (!token.empty()) {
    out.put(kToken, token);
  }
  return command(related ? kRelated : 0, out.take());
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
    DeleteObject out{.aid = KB_TRY(Aid::from(aid->value)), .related = p2 == kRelated};
    if (const auto reference = KB_TRY(in.optional(kControlReference, 1, kLongest))) {
      out.control_reference = copy(*reference);
    }
    if (const auto token = KB_TRY(in.optional(kToken, 1, kLongest))) {
      out.token = copy(*token);
    }
    KB_TRY(finish(in));
    return out;
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
  return out;
}

}  // namespace kagibin::gp
