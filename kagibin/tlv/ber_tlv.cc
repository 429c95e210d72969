// SPDX-License-Identifier: Apache-2.0
#include "kagibin/tlv/ber_tlv.h"

#include <array>

#include "kagibin/base/byte_io.h"

namespace kagibin::tlv {

namespace {

// ISO/IEC 7816-4, 5.2.2.1: bits 5 to 1 all set announce further octets; bit 8 of those announces
// one more; the first further octet is neither 80 nor, where two octets suffice, below 1F.
Result<Tag> read_tag(ByteReader& in) {
  const std::uint8_t first = KB_TRY(in.u8());
  if ((first & 0x1FU) != 0x1FU) {
    return Tag{first};
  }
  const std::uint8_t second = KB_TRY(in.u8());
  if ((second & 0x80U) == 0) {
    if (second < 0x1F) {
      return fail(Errc::kEncoding, "a tag number below 31 takes one octet");
    }
    return (Tag{first} << 8U) | second;
  }
  if (second == 0x80) {
    return fail(Errc::kEncoding, "a tag has no leading zero octet");
  }
  const std::uint8_t third = KB_TRY(in.u8());
  if ((third & 0x80U) != 0) {
    return fail(Errc::kEncoding, "a tag has at most three octets");
  }
  return (Tag{first} << 16U) | (Tag{second} << 8U) | third;
}

Result<std::size_t> read_length(ByteReader& in) {
  const std::uint8_t first = KB_TRY(in.u8());
  if (first < 0x80) {
    return std::size_t{first};
  }
  if (first == 0x81) {
    const std::uint8_t length = KB_TRY(in.u8());
    if (length < 0x80) {
      return fail(Errc::kEncoding, "a length below 128 takes one octet");
    }
    return std::size_t{length};
  }
  if (first == 0x82) {
    const std::uint16_t length = KB_TRY(in.u16());
    if (length < 0x100) {
      return fail(Errc::kEncoding, "a length below 256 takes at most two octets");
    }
    return std::size_t{length};
  }
  return fail(Errc::kEncoding, "a length is xx, 81 xx or 82 xx xx");
}

// Nearly every data object has one octet of tag and one of length.
bool read_short(ByteView& rest, Tlv& out) {
  if (rest.size() < 2 || (rest[0] & 0x1FU) == 0x1FU || rest[1] >= 0x80 ||
      rest.size() - 2 < rest[1]) {
    return false;
  }
  out = {rest[0], rest.subspan(2, rest[1]), rest.first(2 + std::size_t{rest[1]})};
  rest = rest.subspan(out.encoded.size());
  return true;
}

// Cuts the next TLV off `rest`; after a failure `rest` is as before.
Result<Tlv> read(ByteView& rest) {
  Tlv out;
  if (read_short(rest, out)) {
    return out;
  }
  ByteReader in(rest);
  out.tag = KB_TRY(read_tag(in));
  const std::size_t length = KB_TRY(read_length(in));
  out.value = KB_TRY(in.bytes(length));
  out.encoded = rest.first(rest.size() - in.remaining());
  rest = in.take_rest();
  return out;
}

// Into `out`; false, nothing cut off, when the next TLV has another tag or there is none.
Result<bool> take(ByteView& rest, Tag tag, std::size_t min, std::size_t max, Tlv& out) {
  if (rest.empty()) {
    return false;
  }
  ByteView ahead = rest;
  if (!read_short(ahead, out)) {
    out = KB_TRY(read(ahead));
  }
  if (out.tag != tag) {
    return false;
  }
  if (out.value.size() < min || out.value.size() > max) {
    return fail(Errc::kLength, "a data object has a length outside its limits");
  }
  rest = ahead;
  return true;
}

}  // namespace

Result<Tlv> TlvReader::next() { return read(rest_); }

Result<Tlv> TlvReader::expect(Tag tag, std::size_t min, std::size_t max) {
  if (rest_.empty()) {
    return fail(Errc::kTruncated, "a data object is missing");
  }
  Tlv out;
  if (!KB_TRY(take(rest_, tag, min, max, out))) {
    return fail(Errc::kUnexpectedTag, "another data object stands where this one belongs");
  }
  return out;
}

Result<std::optional<Tlv>> TlvReader::optional(Tag tag, std::size_t min, std::size_t max) {
  Tlv out;
  return KB_TRY(take(rest_, tag, min, max, out)) ? std::optional(out) : std::nullopt;
}

Result<void> TlvReader::finish() const {
  if (!rest_.empty()) {
    return fail(Errc::kTrailing, "octets follow the last data object");
  }
  return {};
}

Result<Tlv> read_single(ByteView octets, Tag tag) {
  TlvReader in(octets);
  const Tlv tlv = KB_TRY(in.expect(tag, 0, TlvReader::kAnyLength));
  KB_TRY(in.finish());
  return tlv;
}

TlvWriter& TlvWriter::put(Tag tag, ByteView value) {
  KB_CHECK(value.size() <= 0xFFFF && tag <= 0xFFFFFF);
  std::array<std::uint8_t, 6> header{};
  std::size_t size = 0;
  const auto add = [&](std::size_t octet) {
    header[size++] = static_cast<std::uint8_t>(octet & 0xFFU);
  };
  if (tag > 0xFFFF) {
    add(tag >> 16U);
  }
  if (tag > 0xFF) {
    add(tag >> 8U);
  }
  add(tag);
  if (value.size() >= 0x100) {
    add(0x82);
    add(value.size() >> 8U);
  } else if (value.size() >= 0x80) {
    add(0x81);
  }
  add(value.size());
  append(octets_, ByteView(header).first(size));
  append(octets_, value);
  return *this;
}

TlvWriter& TlvWriter::put_u8(Tag tag, std::uint8_t value) { return put(tag, ByteView(&value, 1)); }

TlvWriter& TlvWriter::put_u32(Tag tag, std::uint32_t value) {
  ByteWriter out;
  out.u32(value);
  return put(tag, out.view());
}

TlvWriter& TlvWriter::raw(ByteView encoded) {
  append(octets_, encoded);
  return *this;
}

Bytes encode(Tag tag, ByteView value) { return TlvWriter().put(tag, value).take(); }

std::size_t encoded_size(Tag tag, std::size_t value_length) {
  const std::size_t tag_size = tag > 0xFFFF ? 3 : tag > 0xFF ? 2 : 1;
  const std::size_t length_size = value_length >= 0x100 ? 3 : value_length >= 0x80 ? 2 : 1;
  return tag_size + length_size + value_length;
}

std::uint8_t to_u8(const Tlv& tlv) {
  KB_CHECK(tlv.value.size() == 1);
  return tlv.value[0];
}

std::uint32_t to_u32(const Tlv& tlv) {
  KB_CHECK(tlv.value.size() == 4);
  std::uint32_t value = 0;
  for (const std::uint8_t octet : tlv.value) {
    value = (value << 8U) | octet;
  }
  return value;
}

}  // namespace kagibin::tlv
