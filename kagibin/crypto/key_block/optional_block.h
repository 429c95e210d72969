// SPDX-License-Identifier: Apache-2.0
// Optional blocks of a key block's header (ANSI X9.143, 6.3.6), and the table of which of them are
// taken:
//
//   ID (2) | length (2 hexadecimal digits, the whole block) | data
//   ID (2) | 00 02 | length (4 hexadecimal digits) | data        from 256 characters on
//
// A block that may limit the key's use in a way that is not kept here (DA, FL), one of a maker's
// own and one that nobody knows are refused by kNotSupported, because to take the key would be to
// drop its limits. All others are passed through as they are. Data is printable ASCII; where the
// standard says hexadecimal digits, it is those. Exactly one encoding: the short form where it
// reaches. Thread-safety: values.
//
//   const OptionalBlock block = KB_TRY(OptionalBlock::read(in));
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "kagibin/base/byte_io.h"

namespace kagibin::crypto {

struct OptionalBlock {
  std::string id;    // "KS", "TS", "PB", ...
  std::string data;  // without ID and length

  // kNotSupported for one that the table refuses, kEncoding, kTruncated.
  static Result<OptionalBlock> read(ByteReader& in);
  // Of a block that check() takes.
  std::string encode() const;
  // What read() asks of ID and data; kLimit when it is longer than a key block.
  Result<void> check() const;
  bool operator==(const OptionalBlock&) const = default;
};

inline constexpr std::string_view kPaddingBlock = "PB";
inline constexpr std::string_view kKeyCheckBlock = "KC";         // check value of the key within
inline constexpr std::string_view kProtectionCheckBlock = "KP";  // check value of the KBPK

}  // namespace kagibin::crypto
