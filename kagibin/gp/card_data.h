// SPDX-License-Identifier: Apache-2.0
// Card recognition data, GET DATA 0066 (GPCS 2.3.1, 7.4.1.2 and H.2): which GlobalPlatform version
// and which secure channel protocols with which parameter i.
//
//   66 { 73 { 06 {globalPlatform 1} | 60 { 06 {globalPlatform 2 v} } | 63 { 06 {globalPlatform 3} }
//           | 64 { 06 {globalPlatform 4 scp i} } ... } }       {globalPlatform} = 1.2.840.114283
//
// A reader passes over other objects of 73 (65 to 68 and later ones) and takes several OIDs in one
// 64 as well as several 64. Values.
//
//   const CardData card = KB_TRY(CardData::decode(answer));
//   if (auto i = card.parameter_of(3)) { ... }
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::gp {

struct ChannelProtocol {
  std::uint8_t scp = 0;         // 3 for SCP03, 0x11 for SCP11
  std::uint16_t parameter = 0;  // i; 14 bits
  friend bool operator==(ChannelProtocol, ChannelProtocol) = default;
};

// i of the first entry with this protocol.
std::optional<std::uint16_t> parameter_of(std::span<const ChannelProtocol> protocols,
                                          std::uint8_t scp);

struct CardData {
  std::vector<std::uint32_t> version{2, 3, 1};  // arcs behind {globalPlatform 2}
  std::vector<ChannelProtocol> protocols{};

  static Result<CardData> decode(ByteView octets);
  Bytes encode() const;
  std::optional<std::uint16_t> parameter_of(std::uint8_t scp) const {
    return gp::parameter_of(protocols, scp);
  }
  friend bool operator==(const CardData&, const CardData&) = default;
};

}  // namespace kagibin::gp
