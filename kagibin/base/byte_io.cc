// SPDX-License-Identifier: Apache-2.0
#include "kagibin/base/byte_io.h"

#include <array>
#include <utility>

namespace kagibin {

Result<std::uint64_t> ByteReader::unsigned_integer(std::size_t width) {
  const ByteView octets = KB_TRY(bytes(width));
  std::uint64_t value = 0;
  for (const std::uint8_t octet : octets) {
    value = (value << 8U) | octet;
  }
  return value;
}

Result<std::uint8_t> ByteReader::u8() { return KB_TRY(bytes(1))[0]; }
Result<std::uint16_t> ByteReader::u16() {
  return static_cast<std::uint16_t>(KB_TRY(unsigned_integer(2)));
}
Result<std::uint32_t> ByteReader::u32() {
  return static_cast<std::uint32_t>(KB_TRY(unsigned_integer(4)));
}
Result<std::uint64_t> ByteReader::u64() { return unsigned_integer(8); }

Result<ByteView> ByteReader::bytes(std::size_t count) {
  if (count > rest_.size()) {
    return fail(Errc::kTruncated, "the octets end before the field does");
  }
  const ByteView out = rest_.first(count);
  rest_ = rest_.subspan(count);
  return out;
}

ByteView ByteReader::take_rest() { return std::exchange(rest_, {}); }

Result<void> ByteReader::finish() const {
  if (!rest_.empty()) {
    return fail(Errc::kTrailing, "octets follow the last field");
  }
  return {};
}

namespace {

template <std::size_t N>
void put(Bytes& out, std::uint64_t value) {
  std::array<std::uint8_t, N> octets{};
  for (std::size_t i = N; i-- > 0; value >>= 8U) {
    octets[i] = static_cast<std::uint8_t>(value & 0xFFU);
  }
  append(out, octets);
}

}  // namespace

ByteWriter& ByteWriter::u8(std::uint8_t value) {
  put<1>(octets_, value);
  return *this;
}
ByteWriter& ByteWriter::u16(std::uint16_t value) {
  put<2>(octets_, value);
  return *this;
}
ByteWriter& ByteWriter::u32(std::uint32_t value) {
  put<4>(octets_, value);
  return *this;
}
ByteWriter& ByteWriter::u64(std::uint64_t value) {
  put<8>(octets_, value);
  return *this;
}
ByteWriter& ByteWriter::bytes(ByteView octets) {
  append(octets_, octets);
  return *this;
}

}  // namespace kagibin
