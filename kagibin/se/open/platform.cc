// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/platform.h"

#include "kagibin/base/byte_io.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace {

constexpr std::string_view kRecord = "open/profile";
constexpr std::uint8_t kVersion = 0x01;
constexpr std::size_t kMaxAtr = 33;  // ISO/IEC 7816-3, 8.2.1

}  // namespace

Result<ElementFacts> ElementFacts::from(const ElementProfile& profile) {
  if (profile.channel_count < 1 || profile.channel_count > ElementProfile::kMaxChannels) {
    return fail(Errc::kInvalidArgument, "an element has 1 to 20 logical channels");
  }
  if (profile.basic_channel_reserved && profile.channel_count < 2) {
    return fail(Errc::kInvalidArgument, "an element with its basic channel reserved needs another");
  }
  ElementFacts out{.atr = profile.atr.empty() ? make_atr(profile.channel_count) : profile.atr,
                   .isd_aid = profile.isd_aid,
                   .diversification_data = profile.diversification_data,
                   .channel_count = profile.channel_count,
                   .basic_channel_reserved = profile.basic_channel_reserved,
                   .authentication_failure_limit = profile.authentication_failure_limit,
                   .memory_octets = profile.memory_octets};
  if (out.atr.size() < 2 || out.atr.size() > kMaxAtr) {
    return fail(Errc::kInvalidArgument, "an ATR has 2 to 33 octets");
  }
  return out;
}

Result<ElementFacts> ElementFacts::load(const Nvm& nvm) {
  const SecretBytes* record = nvm.get(kRecord);
  if (record == nullptr) {
    return fail(Errc::kNotFound, "there is no element in this memory");
  }
  tlv::TlvReader in(record->expose());
  if (tlv::to_u8(KB_TRY(in.expect(0x80, 1))) != kVersion) {
    return fail(Errc::kNotSupported, "this element was made by a later version");
  }
  const tlv::Tlv atr = KB_TRY(in.expect(0x81, 2, kMaxAtr));
  const tlv::Tlv isd = KB_TRY(in.expect(0x82, Aid::kMinLength, Aid::kMaxLength));
  const auto diversification = to_array<10>(KB_TRY(in.expect(0x83, 10)).value);
  KB_CHECK(diversification.has_value());
  ElementFacts out{.atr = Bytes(atr.value.begin(), atr.value.end()),
                   .isd_aid = KB_TRY(Aid::from(isd.value)),
                   .diversification_data = *diversification};
  out.channel_count = tlv::to_u8(KB_TRY(in.expect(0x84, 1)));
  out.basic_channel_reserved = tlv::to_u8(KB_TRY(in.expect(0x85, 1))) != 0;
  out.authentication_failure_limit = tlv::to_u8(KB_TRY(in.expect(0x86, 1)));
  if (!in.empty()) {
    const tlv::Tlv memory = KB_TRY(in.expect(0x87, 4));
    out.memory_octets = KB_TRY(ByteReader(memory.value).u32());
  }
  KB_TRY(in.finish());
  return out;
}

Result<void> ElementFacts::store(Nvm& nvm) const {
  tlv::TlvWriter out;
  out.put_u8(0x80, kVersion).put(0x81, atr).put(0x82, isd_aid.view());
  out.put(0x83, diversification_data).put_u8(0x84, channel_count);
  out.put_u8(0x85, basic_channel_reserved ? 1 : 0).put_u8(0x86, authentication_failure_limit);
  if (memory_octets != 0) {
    out.put(0x87, ByteWriter().u32(memory_octets).view());
  }
  return nvm.put(kRecord, out.view());
}

}  // namespace kagibin::se
