// SPDX-License-Identifier: Apache-2.0
// The application specific parameters (C9) of a security domain: which secure channel protocols it
// speaks (GPCS 11.5.2.3.7) and whose requests it accepts (GlobalPlatform UICC Configuration 1.0.1,
// as hosts write them).
//
//   81 02       SCP identifier and i; may be repeated
//   82 01-02    extradition to this domain: of applications | of load files (absent: as the first)
//   83 01       deletion of what is associated with it
//   84 00       PERSONALIZED as soon as it is selectable
//   87 01-02    extradition away from it: of applications | of load files
//
// One octet of acceptance: b8 an ancestor with Authorized Management, b7 any domain of the
// hierarchy with it, b6 the ISD, b5 any domain with it, b4 a domain with Delegated Management below
// a common ancestor with Authorized Management; 00 nobody. Without 82, 83 or 87 the domain leaves
// it to OPEN. Other tags are refused. Values.
//
//   const auto parameters = KB_TRY(DomainParameters::decode(c9));
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kagibin/base/result.h"
#include "kagibin/gp/card_data.h"

namespace kagibin::gp {

struct Acceptance {
  static constexpr std::uint8_t kAncestor = 0x80;
  static constexpr std::uint8_t kHierarchy = 0x40;
  static constexpr std::uint8_t kIssuer = 0x20;
  static constexpr std::uint8_t kEveryManager = 0x10;
  static constexpr std::uint8_t kDelegated = 0x08;

  std::uint8_t applications = 0;
  std::uint8_t load_files = 0;
  friend bool operator==(Acceptance, Acceptance) = default;
};

struct DomainParameters {
  static constexpr std::size_t kMaxProtocols = 8;

  std::vector<ChannelProtocol> protocols{};
  std::optional<Acceptance> extradition_here{};  // 82
  std::optional<Acceptance> deletion{};          // 83: both the same
  std::optional<Acceptance> extradition_away{};  // 87
  bool personalized = false;                     // 84

  // Total. kUnexpectedTag for other tags, and for one of these twice but 81; kLength, kValue (bits
  // that are reserved), kLimit, kTruncated, kEncoding.
  static Result<DomainParameters> decode(ByteView octets);
};

}  // namespace kagibin::gp
