// SPDX-License-Identifier: Apache-2.0
// Reading and writing octets in order, big-endian: the one way in and out of every fixed layout in
// this project.
//
// ByteReader reads from a view it does not own and returns views into it. ByteWriter owns what it
// wrote. Thread-safety: values.
//
//   ByteReader in(message);
//   const std::uint8_t version = KB_TRY(in.u8());
//   const ByteView body = KB_TRY(in.bytes(16));
//   KB_TRY(in.finish());                            // nothing may follow
#pragma once

#include <cstddef>
#include <cstdint>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin {

class ByteReader {
 public:
  explicit ByteReader(ByteView octets) : rest_(octets) {}

  // Each fails with kTruncated when fewer octets are left, and then consumes nothing.
  Result<std::uint8_t> u8();
  Result<std::uint16_t> u16();
  Result<std::uint32_t> u32();
  Result<std::uint64_t> u64();
  Result<ByteView> bytes(std::size_t count);

  // Everything that is left; afterwards nothing is.
  ByteView take_rest();
  ByteView peek_rest() const { return rest_; }
  std::size_t remaining() const { return rest_.size(); }
  bool empty() const { return rest_.empty(); }
  // kTrailing when octets are left.
  Result<void> finish() const;

 private:
  Result<std::uint64_t> unsigned_integer(std::size_t width);

  ByteView rest_;
};

class ByteWriter {
 public:
  ByteWriter& u8(std::uint8_t value);
  ByteWriter& u16(std::uint16_t value);
  ByteWriter& u32(std::uint32_t value);
  ByteWriter& u64(std::uint64_t value);
  ByteWriter& bytes(ByteView octets);

  ByteView view() const { return octets_; }
  Bytes take() { return std::move(octets_); }

 private:
  Bytes octets_;
};

}  // namespace kagibin
