// SPDX-License-Identifier: Apache-2.0
// SELECT by name (GPCS 2.3.1, 11.9; ISO/IEC 7816-4, 7.1.1) and the FCI it is answered with
// (11.9.3).
//
//   C-APDU  00 A4 04 P2 Lc AID 00      P2: 00 first or only, 02 next; no AID selects the ISD
//   R-APDU  6F { 84 AID | A5 { 73 security domain management data (opt)
//                            | 9F6E production life cycle data (opt)
//                            | 9F65 longest command data field (opt on reading) } }
//
// A reader passes over other objects inside A5 and behind it: applications add their own.
// Ownership: values. Thread-safety: values.
//
//   apdu::CommandApdu c = Select{.name = aid.view()...}.encode();
#pragma once

#include <cstdint>
#include <optional>

#include "kagibin/apdu/apdu.h"
#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::gp {

struct Select {
  Bytes name{};  // 0 to 16 octets: empty selects the ISD, a part selects by prefix
  bool next = false;

  // kNotSupported for a P1 that is not 04 and for P2 that wants no FCI; kLength past 16 octets.
  static Result<Select> decode(std::uint8_t p1, std::uint8_t p2, ByteView data);
  apdu::CommandApdu encode() const;  // class 00
  friend bool operator==(const Select&, const Select&) = default;
};

struct FileControlInformation {
  Bytes name{};                                    // 84: the full AID
  Bytes management_data{};                         // value of 73, empty when absent
  Bytes production_life_cycle{};                   // value of 9F6E, empty when absent
  std::optional<std::uint16_t> longest_command{};  // 9F65

  static Result<FileControlInformation> decode(ByteView octets);
  Bytes encode() const;
  friend bool operator==(const FileControlInformation&, const FileControlInformation&) = default;
};

}  // namespace kagibin::gp
