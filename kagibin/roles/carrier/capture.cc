// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/carrier/capture.h"

#include "kagibin/base/byte_io.h"

namespace kagibin::roles::carrier {

namespace {

constexpr std::string_view kHead = "KBCAP1\n";

}  // namespace

Bytes capture_head() {
  const ByteView head = ascii(kHead);
  return {head.begin(), head.end()};
}

Bytes encode_piece(const Piece& piece) {
  KB_CHECK(piece.octets.size() <= kMaxPieceBytes);
  return ByteWriter()
      .u64(piece.time_us)
      .u32(piece.connection)
      .u8(static_cast<std::uint8_t>(piece.direction))
      .u32(static_cast<std::uint32_t>(piece.octets.size()))
      .bytes(piece.octets)
      .take();
}

Result<std::vector<Piece>> decode_capture(ByteView octets) {
  ByteReader in(octets);
  const auto head = in.bytes(kHead.size());
  if (!head || !equal(*head, ascii(kHead))) {
    return fail(Errc::kEncoding, "this is not a capture of kagibin carrier");
  }
  std::vector<Piece> out;
  while (!in.empty()) {
    Piece piece;
    piece.time_us = KB_TRY(in.u64());
    piece.connection = KB_TRY(in.u32());
    const std::uint8_t direction = KB_TRY(in.u8());
    if (direction > 1) {
      return fail(Errc::kValue, "a direction is 00 or 01");
    }
    piece.direction = static_cast<Direction>(direction);
    const std::uint32_t length = KB_TRY(in.u32());
    if (length > kMaxPieceBytes) {
      return fail(Errc::kLimit, "a piece has at most 1 MiB");
    }
    const ByteView body = KB_TRY(in.bytes(length));
    piece.octets.assign(body.begin(), body.end());
    out.push_back(std::move(piece));
  }
  return out;
}

Bytes joined(const std::vector<Piece>& pieces, std::uint32_t connection, Direction direction) {
  Bytes out;
  for (const Piece& piece : pieces) {
    if (piece.connection == connection && piece.direction == direction) {
      append(out, piece.octets);
    }
  }
  return out;
}

}  // namespace kagibin::roles::carrier
