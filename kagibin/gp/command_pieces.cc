// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/command_pieces.h"

#include <algorithm>
#include <utility>

namespace kagibin::gp {

namespace {

constexpr std::uint8_t kMorePieces = 0x80;  // b8 of P1
constexpr std::size_t kFullPiece = 255;

bool comes_in_pieces(std::uint8_t ins) {
  return ins == apdu::ins::kPutKey || ins == apdu::ins::kInstall || ins == apdu::ins::kDelete;
}

}  // namespace

std::vector<apdu::CommandApdu> cut_into_pieces(const apdu::CommandApdu& command) {
  if (!comes_in_pieces(command.ins) || command.data.size() <= kFullPiece) {
    return {command};
  }
  std::vector<apdu::CommandApdu> out;
  ByteView rest = command.data;
  while (!rest.empty()) {
    const ByteView part = rest.first(std::min(rest.size(), kFullPiece));
    rest = rest.subspan(part.size());
    apdu::CommandApdu piece = command;
    piece.extended = false;
    piece.data.assign(part.begin(), part.end());
    if (!rest.empty()) {
      piece.p1 |= kMorePieces;
      piece.le.reset();
    }
    out.push_back(std::move(piece));
  }
  return out;
}

}  // namespace kagibin::gp
