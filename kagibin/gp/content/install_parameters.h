// SPDX-License-Identifier: Apache-2.0
// The parameters of INSTALL (GPCS 11.5.2.3.7, tables 11-48 to 11-51), of every purpose.
//
//   C9 var    what the application itself is given
//   EF { C6   non-volatile octets for the code, at least (for load)
//      | C7   volatile octets: at least (for load), quota (for install)
//      | C8   non-volatile octets for data, likewise
//      | D7, D8  volatile and non-volatile octets to reserve
//      | CF 01   implicit selection: b8 contactless, b7 contact, b5 to b1 logical channel
//      | CB global service | D9 restriction | CA TS 102 226 | CD, DD load file format }
//   EA var    TS 102 226, 8.2.1.3.2.2
//
// Numbers have one to four octets. Tags in any order, each once; others are passed over, as cards
// of many makers add theirs. Views of the caller's octets.
//
//   const auto parameters = KB_TRY(InstallParameters::decode(request.parameters));
#pragma once

#include <cstdint>
#include <optional>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::gp {

// Value of CF.
struct ImplicitSelection {
  static constexpr std::uint8_t kContactless = 0x80;
  static constexpr std::uint8_t kContact = 0x40;
  static constexpr std::uint8_t kHighestChannel = 19;

  std::uint8_t octet = 0;

  // kValue for b6 and channels past 19.
  static Result<ImplicitSelection> from(std::uint8_t octet);
  std::uint8_t channel() const { return octet & 0x1FU; }
  bool on_contact() const { return (octet & kContact) != 0; }
  // Both mean the same channel of the same interface.
  bool overlaps(ImplicitSelection other) const {
    return channel() == other.channel() && (octet & other.octet & (kContactless | kContact)) != 0;
  }
  friend bool operator==(ImplicitSelection, ImplicitSelection) = default;
};

struct InstallParameters {
  std::optional<ByteView> application{};                  // C9
  std::optional<std::uint32_t> code_octets{};             // C6
  std::optional<std::uint32_t> volatile_octets{};         // C7
  std::optional<std::uint32_t> data_octets{};             // C8
  std::optional<std::uint32_t> reserved_volatile{};       // D7
  std::optional<std::uint32_t> reserved_data{};           // D8
  std::optional<ImplicitSelection> implicit_selection{};  // CF
  bool global_service = false;                            // CB is there
  bool restricts = false;                                 // D9 is there

  // Total. kTruncated, kEncoding, kUnexpectedTag (one of these twice), kLength, kValue.
  static Result<InstallParameters> decode(ByteView octets);
};

}  // namespace kagibin::gp
