// SPDX-License-Identifier: Apache-2.0
// DELETE (GPCS 2.3.1, 11.2) of an application or load file, and of keys.
//
//   object  80 E4 00 P2 | 4F AID | B6 { ... } (opt) | 9E token (opt)
//                                                   P2: 00 the object, 80 and what came from it
//   keys    80 E4 00 P2 | D0 KID (opt) | D2 KVN (opt), at least one
//                                                   P2: 00, from some hosts 80
//   answer  00 (no receipt)
//
// Limits: one command (P1 00). B6, the control reference of a token (GPCS 11.2.2.3.1), is kept as
// it is. Values.
//
//   apdu::CommandApdu c = DeleteKeys{.identifier = {}, .version = 0x31}.encode();
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "kagibin/apdu/apdu.h"
#include "kagibin/base/aid.h"
#include "kagibin/base/result.h"

namespace kagibin::gp {

struct DeleteObject {
  Aid aid;
  bool related = false;
  Bytes control_reference{};  // value of B6
  Bytes token{};              // value of 9E: seen, never checked here
  apdu::CommandApdu encode() const;
  friend bool operator==(const DeleteObject&, const DeleteObject&) = default;
};

struct DeleteKeys {
  std::optional<std::uint8_t> identifier{};  // absent: every key of the version
  std::optional<std::uint8_t> version{};     // absent: this identifier in every version
  apdu::CommandApdu encode() const;          // precondition: one of them is there (KB_CHECK)
  friend bool operator==(const DeleteKeys&, const DeleteKeys&) = default;
};

using Delete = std::variant<DeleteObject, DeleteKeys>;

// kValue for P1 or P2, kUnexpectedTag, kLength, kTruncated, kEncoding.
Result<Delete> decode_delete(std::uint8_t p1, std::uint8_t p2, ByteView data);

}  // namespace kagibin::gp
