// SPDX-License-Identifier: Apache-2.0
// LOAD (GPCS 11.6): a load file in blocks, and its structure put together again.
//
//   80 E8 P1 P2 | octets of the load file      P1: 00 more blocks, 80 the last; P2: number from 00
//   answer      00 (no receipt)
//   load file   E2 { 4F AID | C3 load file data block signature } *   DAP blocks, one a domain
//               | C4 length | load file data block
//
// The blocks cut the load file anywhere, in tags and lengths, too. The length of C4 has up to three
// octets (83) and need not be minimal: hosts write both. A ciphered data block (D4, D3 ...) is
// refused. Values.
//
//   LoadFileReader file(limit);
//   KB_TRY(file.add(block));          // for every block
//   if (last && !file.complete()) ...
#pragma once

#include <cstdint>
#include <vector>

#include "kagibin/apdu/apdu.h"
#include "kagibin/base/aid.h"
#include "kagibin/base/result.h"

namespace kagibin::gp {

struct Load {
  bool last = false;
  std::uint8_t block = 0;

  // kValue for another P1.
  static Result<Load> decode(std::uint8_t p1, std::uint8_t p2);
  apdu::CommandApdu encode(ByteView octets) const;
  friend bool operator==(Load, Load) = default;
};

struct DapBlock {
  Aid security_domain;
  Bytes signature;  // value of C3
  friend bool operator==(const DapBlock&, const DapBlock&) = default;
};

// The load file that carries this data block. Precondition: at most 65,535 octets (KB_CHECK).
Bytes encode_load_file(const std::vector<DapBlock>& dap_blocks, ByteView data_block);

class LoadFileReader {
 public:
  static constexpr std::size_t kMaxDapBlocks = 8;
  static constexpr std::size_t kMaxSignature = 512;  // RSA with 4,096 bits

  // `limit`: octets that the load file data block may have.
  explicit LoadFileReader(std::size_t limit) : limit_(limit) {}

  // kNoSpace when C4 announces more than the limit; kTrailing behind the data block;
  // kUnexpectedTag, kEncoding, kLength, kLimit, kNotSupported, kConflict (a domain's DAP block
  // twice). After a failure the reader is of no use.
  Result<void> add(ByteView octets);
  // Everything that C4 announced is there.
  bool complete() const { return in_data_ && data_block_.size() == announced_; }
  ByteView data_block() const { return data_block_; }
  const std::vector<DapBlock>& dap_blocks() const { return dap_blocks_; }

 private:
  Result<bool> read_head();
  Result<void> read_dap_block(ByteView value);
  Result<void> begin_data(std::size_t length);
  Result<void> add_data(ByteView octets);

  std::size_t limit_;
  Bytes head_{};  // octets before the data block that are not understood yet
  bool in_data_ = false;
  std::size_t announced_ = 0;
  Bytes data_block_{};
  std::vector<DapBlock> dap_blocks_{};
};

}  // namespace kagibin::gp
