// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/select.h"

#include "kagibin/base/aid.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::gp {

namespace {

constexpr std::uint8_t kByName = 0x04;
constexpr std::uint8_t kFirst = 0x00;
constexpr std::uint8_t kNext = 0x02;
constexpr std::uint32_t kAnyLe = 256;

constexpr tlv::Tag kFci = 0x6F;
constexpr tlv::Tag kName = 0x84;
constexpr tlv::Tag kProprietary = 0xA5;
constexpr tlv::Tag kManagementData = 0x73;
constexpr tlv::Tag kProductionLifeCycle = 0x9F6E;
constexpr tlv::Tag kLongestCommand = 0x9F65;

Result<void> take(Bytes& out, ByteView value) {
  if (!out.empty() || value.empty()) {
    return fail(Errc::kUnexpectedTag, "an object of the FCI is empty or stands twice");
  }
  out.assign(value.begin(), value.end());
  return {};
}

// One or two octets, as cards write it.
Result<void> take_length(std::optional<std::uint16_t>& out, ByteView value) {
  if (out || value.empty() || value.size() > 2) {
    return fail(Errc::kLength, "the longest command data field has one or two octets, once");
  }
  unsigned number = 0;
  for (const std::uint8_t octet : value) {
    number = (number << 8U) | octet;
  }
  out = static_cast<std::uint16_t>(number);
  return {};
}

}  // namespace

Result<Select> Select::decode(std::uint8_t p1, std::uint8_t p2, ByteView data) {
  if (p1 != kByName || (p2 != kFirst && p2 != kNext)) {
    return fail(Errc::kNotSupported, "SELECT is by name (P1 04), first (P2 00) or next (P2 02)");
  }
  if (data.size() > Aid::kMaxLength) {
    return fail(Errc::kLength, "a name has at most 16 octets");
  }
  return Select{.name = Bytes(data.begin(), data.end()), .next = p2 == kNext};
}

apdu::CommandApdu Select::encode() const {
  return {.cla = 0x00,
          .ins = apdu::ins::kSelect,
          .p1 = kByName,
          .p2 = next ? kNext : kFirst,
          .data = name,
          .le = kAnyLe};
}

Result<FileControlInformation> FileControlInformation::decode(ByteView octets) {
  const tlv::Tlv fci = KB_TRY(tlv::read_single(octets, kFci));
  tlv::TlvReader in(fci.value);
  FileControlInformation out;
  const tlv::Tlv name = KB_TRY(in.expect(kName, Aid::kMinLength, Aid::kMaxLength));
  out.name.assign(name.value.begin(), name.value.end());
  bool proprietary = false;
  while (!in.empty()) {
    const tlv::Tlv outer = KB_TRY(in.next());
    if (outer.tag != kProprietary) {
      continue;
    }
    if (proprietary) {
      return fail(Errc::kUnexpectedTag, "A5 stands once in an FCI");
    }
    proprietary = true;
    tlv::TlvReader inner(outer.value);
    while (!inner.empty()) {
      const tlv::Tlv object = KB_TRY(inner.next());
      if (object.tag == kManagementData) {
        KB_TRY(take(out.management_data, object.value));
      } else if (object.tag == kProductionLifeCycle) {
        KB_TRY(take(out.production_life_cycle, object.value));
      } else if (object.tag == kLongestCommand) {
        KB_TRY(take_length(out.longest_command, object.value));
      }
    }
  }
  return out;
}

Bytes FileControlInformation::encode() const {
  tlv::TlvWriter inner;
  if (!management_data.empty()) {
    inner.put(kManagementData, management_data);
  }
  if (!production_life_cycle.empty()) {
    inner.put(kProductionLifeCycle, production_life_cycle);
  }
  if (longest_command) {
    const Bytes number{static_cast<std::uint8_t>(*longest_command >> 8U),
                       static_cast<std::uint8_t>(*longest_command & 0xFFU)};
    inner.put(kLongestCommand,
              *longest_command > 0xFF ? ByteView(number) : ByteView(number).last(1));
  }
  tlv::TlvWriter outer;
  outer.put(kName, name).put(kProprietary, inner.view());
  return tlv::encode(kFci, outer.view());
}

}  // namespace kagibin::gp
