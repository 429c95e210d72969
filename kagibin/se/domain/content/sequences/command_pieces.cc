// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/content/sequences/command_pieces.h"

#include <algorithm>
#include <utility>

#include "kagibin/apdu/status_words.h"

namespace kagibin::se {

namespace ins = apdu::ins;

namespace {

constexpr std::uint8_t kMoreByP1 = 0x80;

bool chains_by_p1(std::uint8_t instruction) {
  return instruction == ins::kPutKey || instruction == ins::kInstall || instruction == ins::kDelete;
}

bool chains_by_class(std::uint8_t instruction) {
  return chains_by_p1(instruction) || instruction == ins::kLoad || instruction == ins::kStoreData;
}

bool says_more(const apdu::CommandApdu& command) {
  const auto octet = apdu::ClassOctet::decode(command.cla);
  return octet && octet->chaining;
}

}  // namespace

bool CommandPieces::is_piece(const apdu::CommandApdu& command) {
  return (chains_by_p1(command.ins) && (command.p1 & kMoreByP1) != 0) ||
         (chains_by_class(command.ins) && says_more(command));
}

apdu::CommandApdu CommandPieces::head_of(const apdu::CommandApdu& piece) {
  auto octet = apdu::ClassOctet::decode(piece.cla);
  KB_CHECK(octet.has_value());
  octet->chaining = false;
  const std::uint8_t p1 =
      chains_by_p1(piece.ins) ? static_cast<std::uint8_t>(piece.p1 & ~kMoreByP1) : piece.p1;
  return {.cla = octet->encode(), .ins = piece.ins, .p1 = p1, .p2 = piece.p2};
}

StatusWord CommandPieces::add(const apdu::CommandApdu& piece) {
  const apdu::CommandApdu head = head_of(piece);
  if (head != head_) {
    drop();
    head_ = head;
  }
  if (octets_.size() + piece.data.size() > kMaxOctets) {
    drop();
    return apdu::sw::kWrongLength.because(
        "a command in pieces has at most 16,384 octets on this element (GPCS 11.1.5.1)");
  }
  SecretBytes grown(octets_.size() + piece.data.size());
  const auto end = std::ranges::copy(octets_.expose(), grown.expose_mutable().begin()).out;
  std::ranges::copy(piece.data, end);
  octets_ = std::move(grown);
  return apdu::sw::kOk;
}

apdu::CommandApdu CommandPieces::join(const apdu::CommandApdu& last) {
  if (octets_.size() == 0 || head_of(last) != head_) {
    drop();
    return last;
  }
  // At its full size from the beginning: growing would leave keys behind in memory.
  apdu::CommandApdu out{.cla = last.cla, .ins = last.ins, .p1 = last.p1, .p2 = last.p2};
  out.data.reserve(octets_.size() + last.data.size());
  append(out.data, octets_.expose());
  append(out.data, last.data);
  out.le = last.le;
  out.extended = last.extended;
  drop();
  return out;
}

void CommandPieces::drop() {
  octets_ = SecretBytes();
  head_ = {};
}

}  // namespace kagibin::se
