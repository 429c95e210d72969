// SPDX-License-Identifier: Apache-2.0
#include "kagibin/kda/next.h"

#include "kagibin/base/byte_io.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::kda {

namespace {

constexpr tlv::Tag kHandleTag = 0x83;
constexpr tlv::Tag kCommandTag = 0xD0;
constexpr tlv::Tag kAidTag = 0xD1;
constexpr tlv::Tag kHintTag = 0xD2;
constexpr tlv::Tag kStatusWordTag = 0xD3;
constexpr tlv::Tag kDataTag = 0xD4;
constexpr std::size_t kMinCommand = 4;
constexpr std::size_t kMaxCommand = 4 + 1 + 255 + 1;

Result<apdu::CommandApdu> decode_command(ByteView octets) {
  apdu::CommandApdu command = KB_TRY(apdu::CommandApdu::decode(octets));
  const apdu::ClassOctet cla = KB_TRY(apdu::ClassOctet::decode(command.cla));
  if (command.extended || cla.channel != 0) {
    return fail(Errc::kValue, "D0 is a short C-APDU on channel 0");
  }
  return command;
}

// Which of the three objects go together.
Result<void> check_combination(const NextAnswer& answer) {
  if (answer.select.has_value() != (answer.hint == Hint::kSelect)) {
    return fail(Errc::kValue, "D1 comes with hint 02 and with no other");
  }
  const bool sends = !answer.hint || *answer.hint == Hint::kSelect;
  if (answer.command.has_value() != sends) {
    return fail(Errc::kValue, "D0 comes alone or with hint 02; hints 01, 03 and 04 come alone");
  }
  return {};
}

}  // namespace

Result<NextRequest> NextRequest::decode(ByteView octets) {
  tlv::TlvReader in(octets);
  NextRequest out;
  const tlv::Tlv handle = KB_TRY(in.expect(kHandleTag, 16));
  out.handle = KB_TRY(Handle::from(handle.value));
  if (!in.empty()) {
    const tlv::Tlv sw = KB_TRY(in.expect(kStatusWordTag, 2));
    const tlv::Tlv data = KB_TRY(in.expect(kDataTag, 0, kMaxAnswer));
    const StatusWord status{KB_TRY(ByteReader(sw.value).u16())};
    out.last = apdu::ResponseApdu{Bytes(data.value.begin(), data.value.end()), status};
  }
  KB_TRY(in.finish());
  return out;
}

Bytes NextRequest::encode() const {
  tlv::TlvWriter out;
  out.put(kHandleTag, handle.view());
  if (last) {
    KB_CHECK(last->data.size() <= kMaxAnswer);
    out.put(kStatusWordTag, ByteWriter().u16(last->sw.value).view()).put(kDataTag, last->data);
  }
  return out.take();
}

Result<NextAnswer> NextAnswer::decode(ByteView octets) {
  tlv::TlvReader in(octets);
  NextAnswer out;
  if (const auto command = KB_TRY(in.optional(kCommandTag, kMinCommand, kMaxCommand))) {
    out.command = KB_TRY(decode_command(command->value));
  }
  if (const auto select = KB_TRY(in.optional(kAidTag, Aid::kMinLength, Aid::kMaxLength))) {
    out.select = KB_TRY(Aid::from(select->value));
  }
  if (const auto hint = KB_TRY(in.optional(kHintTag, 1))) {
    const std::uint8_t value = tlv::to_u8(*hint);
    if (value < 0x01 || value > 0x04) {
      return fail(Errc::kValue, "a hint is 01 to 04");
    }
    out.hint = Hint{value};
  }
  KB_TRY(in.finish());
  KB_TRY(check_combination(out));
  return out;
}

Bytes NextAnswer::encode() const {
  KB_CHECK(check_combination(*this).has_value());
  tlv::TlvWriter out;
  if (command) {
    out.put(kCommandTag, command->encode());
  }
  if (select) {
    out.put(kAidTag, select->view());
  }
  if (hint) {
    out.put_u8(kHintTag, static_cast<std::uint8_t>(*hint));
  }
  return out.take();
}

}  // namespace kagibin::kda
