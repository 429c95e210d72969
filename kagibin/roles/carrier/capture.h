// SPDX-License-Identifier: Apache-2.0
// What the carrier sees, as a file: every piece of every connection in the order it passed (player
// D holds bytes in flight, and nothing else).
//
//   "KBCAP1\n", then records, integers big-endian:
//   time_us (8, since 1970-01-01 UTC) | connection (4, from 1) | direction (1: 00 to the server, 01
//   to the client) | length (4) | octets
//
// Limits: a piece of at most 1 MiB. decode() is total; what decodes encodes to the same octets.
// Values.
//
//   out << head; out << encode(piece);
//   const std::vector<Piece> pieces = KB_TRY(decode_capture(octets));
#pragma once

#include <cstdint>
#include <vector>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::roles::carrier {

enum class Direction : std::uint8_t { kToServer = 0, kToClient = 1 };

struct Piece {
  std::uint64_t time_us = 0;
  std::uint32_t connection = 0;
  Direction direction = Direction::kToServer;
  Bytes octets;
  friend bool operator==(const Piece&, const Piece&) = default;
};

inline constexpr std::size_t kMaxPieceBytes = std::size_t{1} << 20U;

Bytes capture_head();
// Precondition: at most kMaxPieceBytes octets (KB_CHECK).
Bytes encode_piece(const Piece& piece);
// kEncoding without the head; kTruncated when the last record is cut off; kValue, kLimit.
Result<std::vector<Piece>> decode_capture(ByteView octets);

// All octets of one direction of one connection, joined.
Bytes joined(const std::vector<Piece>& pieces, std::uint32_t connection, Direction direction);

}  // namespace kagibin::roles::carrier
