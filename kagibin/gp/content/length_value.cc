// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/content/length_value.h"

namespace kagibin::gp {

namespace {

constexpr std::uint8_t kOneOctetLength = 0x81;
constexpr std::uint8_t kTwoOctetLength = 0x82;
constexpr std::size_t kLongest = 0xFFFF;

}  // namespace

Result<ByteView> read_field(ByteReader& in) {
  std::size_t length = KB_TRY(in.u8());
  if (length == kOneOctetLength) {
    length = KB_TRY(in.u8());
    if (length < 0x80) {
      return fail(Errc::kEncoding, "a length is in its shortest form");
    }
  } else if (length == kTwoOctetLength) {
    length = KB_TRY(in.u16());
    if (length < 0x100) {
      return fail(Errc::kEncoding, "a length is in its shortest form");
    }
  } else if (length >= 0x80) {
    return fail(Errc::kEncoding, "a length is below 80, or follows 81 or 82");
  }
  return in.bytes(length);
}

Result<std::optional<Aid>> read_aid_field(ByteReader& in) {
  const ByteView octets = KB_TRY(read_field(in));
  if (octets.empty()) {
    return std::nullopt;
  }
  return KB_TRY(Aid::from(octets));
}

Result<void> read_empty_field(ByteReader& in) {
  if (!KB_TRY(read_field(in)).empty()) {
    return fail(Errc::kValue, "a field of INSTALL is empty for this purpose (GPCS 11.5.2.3)");
  }
  return {};
}

std::size_t field_size(std::size_t length) {
  KB_CHECK(length <= kLongest);
  return length + (length >= 0x100 ? 3U : 1U) + (length >= 0x80 && length < 0x100 ? 1U : 0U);
}

void write_field(ByteWriter& out, ByteView value) {
  KB_CHECK(value.size() <= kLongest);
  if (value.size() >= 0x100) {
    out.u8(kTwoOctetLength).u16(static_cast<std::uint16_t>(value.size()));
  } else if (value.size() >= 0x80) {
    out.u8(kOneOctetLength).u8(static_cast<std::uint8_t>(value.size()));
  } else {
    out.u8(static_cast<std::uint8_t>(value.size()));
  }
  out.bytes(value);
}

void write_aid_field(ByteWriter& out, const std::optional<Aid>& aid) {
  write_field(out, aid ? aid->view() : ByteView{});
}

}  // namespace kagibin::gp
