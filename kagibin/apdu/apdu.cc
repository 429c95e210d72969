// SPDX-License-Identifier: Apache-2.0
#include "kagibin/apdu/apdu.h"

#include "kagibin/base/byte_io.h"

namespace kagibin::apdu {

namespace {

constexpr std::uint32_t kShortMaxLe = 256;
constexpr std::uint32_t kExtendedMaxLe = 65'536;

std::uint32_t short_le(std::uint8_t octet) { return octet == 0 ? kShortMaxLe : octet; }
std::uint32_t extended_le(std::uint16_t field) { return field == 0 ? kExtendedMaxLe : field; }

// Cases 2S, 3S, 4S: the body starts with a length octet that is not 00, or is Le alone.
Result<void> decode_short(ByteReader& in, CommandApdu& out) {
  const std::uint8_t first = KB_TRY(in.u8());
  if (in.empty()) {
    out.le = short_le(first);
    return {};
  }
  const ByteView data = KB_TRY(in.bytes(first));
  out.data.assign(data.begin(), data.end());
  if (!in.empty()) {
    out.le = short_le(KB_TRY(in.u8()));
  }
  return {};
}

// Cases 2E, 3E, 4E: the body starts with 00 and is longer than one octet.
Result<void> decode_extended(ByteReader& in, CommandApdu& out) {
  KB_TRY(in.u8());
  out.extended = true;
  const std::uint16_t first = KB_TRY(in.u16());
  if (in.empty()) {
    out.le = extended_le(first);
    return {};
  }
  if (first == 0) {
    return fail(Errc::kLength, "an extended Lc is not zero");
  }
  const ByteView data = KB_TRY(in.bytes(first));
  out.data.assign(data.begin(), data.end());
  if (!in.empty()) {
    out.le = extended_le(KB_TRY(in.u16()));
  }
  return {};
}

}  // namespace

Result<CommandApdu> CommandApdu::decode(ByteView octets) {
  ByteReader in(octets);
  CommandApdu out;
  out.cla = KB_TRY(in.u8());
  out.ins = KB_TRY(in.u8());
  out.p1 = KB_TRY(in.u8());
  out.p2 = KB_TRY(in.u8());
  if (in.empty()) {
    return out;  // case 1
  }
  if (in.remaining() > 1 && in.peek_rest()[0] == 0) {
    KB_TRY(decode_extended(in, out));
  } else {
    KB_TRY(decode_short(in, out));
  }
  KB_TRY(in.finish());
  return out;
}

Bytes CommandApdu::encode() const {
  KB_CHECK(data.size() <= 0xFFFF && le.value_or(1) >= 1 && le.value_or(1) <= kExtendedMaxLe);
  ByteWriter out;
  out.u8(cla).u8(ins).u8(p1).u8(p2);
  const bool has_body = !data.empty() || le.has_value();
  if (has_body && (extended || data.size() > 0xFF || le.value_or(1) > kShortMaxLe)) {
    out.u8(0);
    if (!data.empty()) {
      out.u16(static_cast<std::uint16_t>(data.size())).bytes(data);
    }
    if (le) {
      out.u16(static_cast<std::uint16_t>(*le & 0xFFFFU));
    }
    return out.take();
  }
  if (!data.empty()) {
    out.u8(static_cast<std::uint8_t>(data.size())).bytes(data);
  }
  if (le) {
    out.u8(static_cast<std::uint8_t>(*le & 0xFFU));
  }
  return out.take();
}

Result<ResponseApdu> ResponseApdu::decode(ByteView octets) {
  if (octets.size() < 2) {
    return fail(Errc::kTruncated, "an R-APDU has at least SW1-SW2");
  }
  const ByteView data = octets.first(octets.size() - 2);
  ByteReader in(octets.last(2));
  return ResponseApdu{Bytes(data.begin(), data.end()), StatusWord{KB_TRY(in.u16())}};
}

Bytes ResponseApdu::encode() const { return ByteWriter().bytes(data).u16(sw.value).take(); }

// ISO/IEC 7816-4, table 2: 000x xxxx first interindustry values, 01xx xxxx further ones; the same
// patterns with b8 set are GlobalPlatform's proprietary class (GPCS 11.1.4, tables 11-11 and
// 11-12).
Result<ClassOctet> ClassOctet::decode(std::uint8_t cla) {
  if (cla == 0xFF) {
    return fail(Errc::kValue, "class FF is not valid");
  }
  ClassOctet out;
  out.proprietary = (cla & 0x80U) != 0;
  out.chaining = (cla & 0x10U) != 0;
  if ((cla & 0x40U) != 0) {
    out.secure_messaging = (cla & 0x20U) != 0;
    out.channel = static_cast<std::uint8_t>((cla & 0x0FU) + 4U);
    return out;
  }
  if ((cla & 0x20U) != 0) {
    return fail(Errc::kValue, "this class octet is reserved");
  }
  // b4 b3: 00 none, 01 (8x with b3 alone) GlobalPlatform secure messaging, 10 and 11 ISO secure
  // messaging.
  out.secure_messaging = (cla & 0x0CU) != 0;
  if ((cla & 0x08U) != 0) {
    return fail(Errc::kValue, "secure messaging by ISO/IEC 7816-4 is not in use here");
  }
  out.channel = cla & 0x03U;
  return out;
}

std::uint8_t ClassOctet::encode() const {
  KB_CHECK(channel <= 19);
  unsigned cla = proprietary ? 0x80U : 0x00U;
  cla |= chaining ? 0x10U : 0x00U;
  if (channel >= 4) {
    cla |= 0x40U | (secure_messaging ? 0x20U : 0x00U) | (channel - 4U);
  } else {
    cla |= (secure_messaging ? 0x04U : 0x00U) | channel;
  }
  return static_cast<std::uint8_t>(cla);
}

Result<std::uint8_t> on_channel(std::uint8_t cla, std::uint8_t channel) {
  if (channel > 19) {
    return fail(Errc::kInvalidArgument, "a logical channel is 0 to 19");
  }
  ClassOctet octet = KB_TRY(ClassOctet::decode(cla));
  octet.channel = channel;
  return octet.encode();
}

}  // namespace kagibin::apdu
