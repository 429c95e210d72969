// SPDX-License-Identifier: Apache-2.0
// The card's end of command chaining: blocks in, one message out (protocol, section 9; ISO/IEC
// 7816-4, 5.3.3).
//
// Blocks count from 00 in P2. While a chain is open, the block that came last is taken again
// without effect when it is the same; a gap, another content under the same number, or a block
// without its chain is 6A80 and ends the chain. Block 00 always starts afresh, and so does another
// instruction. More than `limit` octets: 6700, and the chain ends. Behind the last block the chain
// is closed: an answer that got lost then is fetched by sending the whole message again. One chain
// at a time; the state is the session's and is lost at reset.
//
//   auto message = assembler.accept({.instruction = ins, .more = cla.chaining, ...}, data);
//   if (!message) return message.error();           // a status word
//   if (!*message) return sw::kOk;                  // more blocks to come
#pragma once

#include <expected>
#include <optional>

#include "kagibin/apdu/apdu.h"
#include "kagibin/kda/instructions.h"

namespace kagibin::kda {

struct BlockHeader {
  std::uint8_t instruction = 0;
  std::uint8_t p1 = 0;
  std::uint8_t p2 = 0;
  bool more = false;  // CLA b5
};

class BlockAssembler {
 public:
  explicit BlockAssembler(std::size_t limit = kReassemblyLimit) : limit_(limit) {}

  // The whole message with its last block, nothing before, or the status word to answer.
  std::expected<std::optional<Bytes>, StatusWord> accept(const BlockHeader& header, ByteView data);
  void reset();

 private:
  std::unexpected<StatusWord> refuse(StatusWord sw);

  std::size_t limit_;
  bool open_ = false;
  std::uint8_t instruction_ = 0;
  std::uint8_t last_number_ = 0;
  std::size_t last_at_ = 0;  // where the last block starts in message_
  Bytes message_;
};

}  // namespace kagibin::kda
