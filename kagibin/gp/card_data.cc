// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/card_data.h"

#include <algorithm>
#include <array>

#include "kagibin/base/byte_io.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::gp {

namespace {

constexpr tlv::Tag kCardData = 0x66;
constexpr tlv::Tag kRecognition = 0x73;
constexpr tlv::Tag kOid = 0x06;
constexpr tlv::Tag kManagement = 0x60;
constexpr tlv::Tag kIdentification = 0x63;
constexpr tlv::Tag kChannel = 0x64;
// 1.2.840.114283 in the encoding of X.690, 8.19.
constexpr std::array<std::uint8_t, 6> kGlobalPlatform{0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B};
constexpr std::size_t kLongestOid = 32;
constexpr unsigned kContinues = 0x80;

using Arcs = std::vector<std::uint32_t>;

// The arcs behind {globalPlatform}. kEncoding for another OID and for arcs that are not minimal or
// past 28 bits.
Result<Arcs> read_oid(ByteView value) {
  ByteReader in(value);
  const ByteView root = KB_TRY(in.bytes(kGlobalPlatform.size()));
  if (!equal(root, kGlobalPlatform)) {
    return fail(Errc::kEncoding, "card data speaks of GlobalPlatform (1.2.840.114283)");
  }
  Arcs out;
  while (!in.empty()) {
    std::uint32_t arc = 0;
    for (int octets = 0;; ++octets) {
      const unsigned octet = KB_TRY(in.u8());
      if (octets == 4 || (octets == 0 && octet == kContinues)) {
        return fail(Errc::kEncoding, "an arc of an OID is minimal and has at most 28 bits");
      }
      arc = (arc << 7U) | (octet & 0x7FU);
      if ((octet & kContinues) == 0) {
        break;
      }
    }
    out.push_back(arc);
  }
  return out;
}

Bytes oid(const Arcs& arcs) {
  ByteWriter out;
  out.bytes(kGlobalPlatform);
  for (const std::uint32_t arc : arcs) {
    KB_CHECK(arc < (1U << 28U));
    for (unsigned shift = 21; shift > 0; shift -= 7) {
      if ((arc >> shift) != 0) {
        out.u8(static_cast<std::uint8_t>(((arc >> shift) & 0x7FU) | kContinues));
      }
    }
    out.u8(static_cast<std::uint8_t>(arc & 0x7FU));
  }
  return tlv::encode(kOid, out.view());
}

Result<ChannelProtocol> channel_of(const Arcs& arcs) {
  if (arcs.size() != 3 || arcs[0] != 4 || arcs[1] > 0xFF || arcs[2] > 0x3FFF) {
    return fail(Errc::kValue, "a secure channel is {globalPlatform 4 scp i}");
  }
  return ChannelProtocol{static_cast<std::uint8_t>(arcs[1]), static_cast<std::uint16_t>(arcs[2])};
}

}  // namespace

Result<CardData> CardData::decode(ByteView octets) {
  const tlv::Tlv outer = KB_TRY(tlv::read_single(octets, kCardData));
  tlv::TlvReader first(outer.value);
  const tlv::Tlv recognition = KB_TRY(first.expect(kRecognition, 0, tlv::TlvReader::kAnyLength));
  tlv::TlvReader in(recognition.value);
  const tlv::Tlv name = KB_TRY(in.expect(kOid, 1, kLongestOid));
  if (KB_TRY(read_oid(name.value)) != Arcs{1}) {
    return fail(Errc::kValue, "card recognition data begins with {globalPlatform 1}");
  }
  CardData out{.version = {}, .protocols = {}};
  while (!in.empty()) {
    const tlv::Tlv object = KB_TRY(in.next());
    if (object.tag == kManagement) {
      tlv::TlvReader inner(object.value);
      const tlv::Tlv version = KB_TRY(inner.expect(kOid, 1, kLongestOid));
      KB_TRY(inner.finish());
      Arcs arcs = KB_TRY(read_oid(version.value));
      if (!out.version.empty() || arcs.size() < 2 || arcs[0] != 2) {
        return fail(Errc::kValue, "the version is {globalPlatform 2 v}, once");
      }
      out.version.assign(arcs.begin() + 1, arcs.end());
    } else if (object.tag == kChannel) {
      tlv::TlvReader inner(object.value);
      while (!inner.empty()) {
        const tlv::Tlv one = KB_TRY(inner.expect(kOid, 1, kLongestOid));
        const Arcs arcs = KB_TRY(read_oid(one.value));
        out.protocols.push_back(KB_TRY(channel_of(arcs)));
      }
    }
  }
  return out;
}

Bytes CardData::encode() const {
  tlv::TlvWriter inner;
  inner.raw(oid({1}));
  if (!version.empty()) {
    Arcs arcs{2};
    arcs.insert(arcs.end(), version.begin(), version.end());
    inner.put(kManagement, oid(arcs));
  }
  inner.put(kIdentification, oid({3}));
  for (const ChannelProtocol& protocol : protocols) {
    inner.put(kChannel, oid({4, protocol.scp, protocol.parameter}));
  }
  return tlv::encode(kCardData, tlv::encode(kRecognition, inner.view()));
}

std::optional<std::uint16_t> parameter_of(std::span<const ChannelProtocol> protocols,
                                          std::uint8_t scp) {
  const auto found = std::find_if(protocols.begin(), protocols.end(),
                                  [&](const auto& one) { return one.scp == scp; });
  if (found == protocols.end()) {
    return std::nullopt;
  }
  return found->parameter;
}

}  // namespace kagibin::gp
