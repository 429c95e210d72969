// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/store_data.h"

#include <algorithm>
#include <utility>

#include "kagibin/base/byte_io.h"

namespace kagibin::gp {

namespace {

constexpr unsigned kLast = 0x80;
constexpr unsigned kAnswer = 0x01;
constexpr unsigned kReserved = 0x06;
constexpr std::uint8_t kLongLength = 0xFF;
constexpr std::size_t kLongestValue = 0xFFFF;

std::size_t head_size(std::size_t length) { return length < kLongLength ? 3 : 5; }

}  // namespace

Result<StoreData> StoreData::decode(std::uint8_t p1, std::uint8_t p2) {
  const unsigned encryption = (p1 >> 5U) & 3U;
  const unsigned structure = (p1 >> 3U) & 3U;
  if (encryption == 2 || structure == 3 || (p1 & kReserved) != 0) {
    return fail(Errc::kValue, "P1 of STORE DATA has a reserved coding");
  }
  return StoreData{.last = (p1 & kLast) != 0,
                   .encryption = static_cast<StoreEncryption>(encryption),
                   .structure = static_cast<StoreStructure>(structure),
                   .answer_wanted = (p1 & kAnswer) != 0,
                   .block = p2};
}

std::uint8_t StoreData::p1() const {
  return static_cast<std::uint8_t>((last ? kLast : 0U) |
                                   (static_cast<unsigned>(std::to_underlying(encryption)) << 5U) |
                                   (static_cast<unsigned>(std::to_underlying(structure)) << 3U) |
                                   (answer_wanted ? kAnswer : 0U));
}

Result<SecretBytes> encode_groupings(std::span<const Grouping> groupings) {
  std::size_t size = 0;
  for (const Grouping& one : groupings) {
    if (one.value.size() > kLongestValue) {
      return fail(Errc::kInvalidArgument, "a data grouping has at most 65,535 octets");
    }
    size += head_size(one.value.size()) + one.value.size();
  }
  // Sized before it is filled: a secret is never reallocated.
  SecretBytes out(size);
  const MutableByteView octets = out.expose_mutable();
  std::size_t at = 0;
  for (const Grouping& one : groupings) {
    const std::size_t length = one.value.size();
    octets[at++] = static_cast<std::uint8_t>(one.id >> 8U);
    octets[at++] = static_cast<std::uint8_t>(one.id & 0xFFU);
    if (length >= kLongLength) {
      octets[at++] = kLongLength;
      octets[at++] = static_cast<std::uint8_t>(length >> 8U);
    }
    octets[at++] = static_cast<std::uint8_t>(length & 0xFFU);
    std::copy(one.value.begin(), one.value.end(), octets.subspan(at).begin());
    at += length;
  }
  return out;
}

Result<std::vector<Grouping>> decode_groupings(ByteView data) {
  ByteReader in(data);
  std::vector<Grouping> out;
  while (!in.empty()) {
    Grouping one;
    one.id = KB_TRY(in.u16());
    std::size_t length = KB_TRY(in.u8());
    if (length == kLongLength) {
      length = KB_TRY(in.u16());
      if (length < kLongLength) {
        return fail(Errc::kEncoding, "a length up to 254 takes one octet");
      }
    }
    one.value = KB_TRY(in.bytes(length));
    out.push_back(one);
  }
  return out;
}

}  // namespace kagibin::gp
