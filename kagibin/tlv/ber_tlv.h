// SPDX-License-Identifier: Apache-2.0
// BER-TLV data objects (ISO/IEC 7816-4, 5.2.2) in the one form this protocol takes: definite
// lengths, minimal form.
//
// A tag has one to three octets and is a number as written (0x5F20). A length is xx (00-7F), 81 xx
// (80-FF) or 82 xx xx (0100-FFFF); every other form is refused. There is no search: a decoder reads
// the TLVs of a template in their order and ends with finish(), so that repeated, foreign and
// reordered objects are errors. Ownership: a reader and its Tlvs view the caller's octets.
// Thread-safety: values.
//
//   TlvReader in(value);
//   const Tlv version = KB_TRY(in.expect(0x80, 1));
//   const std::optional<Tlv> ack = KB_TRY(in.optional(0x87, 32));
//   KB_TRY(in.finish());
//   Bytes out = TlvWriter().put(0x80, version.value).take();
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::tlv {

using Tag = std::uint32_t;

struct Tlv {
  Tag tag = 0;
  ByteView value;
  ByteView encoded;  // tag, length and value: what MACs and signatures are computed over
};

class TlvReader {
 public:
  static constexpr std::size_t kAnyLength = 0xFFFF;

  explicit TlvReader(ByteView octets) : all_(octets), rest_(octets) {}

  // The next TLV, whatever its tag. kTruncated, kEncoding (tag of four octets or more, length not
  // minimal).
  Result<Tlv> next();
  // The next TLV, which has this tag (else kUnexpectedTag) and a value of `min` to `max` octets
  // (else kLength).
  Result<Tlv> expect(Tag tag, std::size_t min, std::size_t max);
  Result<Tlv> expect(Tag tag, std::size_t exact) { return expect(tag, exact, exact); }
  // The same when the next TLV has this tag; an empty optional, nothing consumed, when it has
  // another or there is none.
  Result<std::optional<Tlv>> optional(Tag tag, std::size_t min, std::size_t max);
  Result<std::optional<Tlv>> optional(Tag tag, std::size_t exact) {
    return optional(tag, exact, exact);
  }

  bool empty() const { return rest_.empty(); }
  // kTrailing when octets are left.
  Result<void> finish() const;
  // What has been consumed so far, as encoded: "TLVs x..y" of the protocol from the start of this
  // template.
  ByteView consumed() const { return all_.first(all_.size() - rest_.size()); }
  ByteView rest() const { return rest_; }

 private:
  ByteView all_;
  ByteView rest_;
};

// Reads one TLV with this tag that fills `octets` exactly.
Result<Tlv> read_single(ByteView octets, Tag tag);

class TlvWriter {
 public:
  // Precondition: the value has at most 65,535 octets (KB_CHECK).
  TlvWriter& put(Tag tag, ByteView value);
  TlvWriter& put_u8(Tag tag, std::uint8_t value);
  TlvWriter& put_u32(Tag tag, std::uint32_t value);
  // Octets that are TLVs already.
  TlvWriter& raw(ByteView encoded);

  ByteView view() const { return octets_; }
  Bytes take() { return std::move(octets_); }

 private:
  Bytes octets_;
};

// One encoded TLV.
Bytes encode(Tag tag, ByteView value);
// Octets that a TLV takes around a value of this length.
std::size_t encoded_size(Tag tag, std::size_t value_length);

// Value of one or four octets as a number. Precondition: checked length.
std::uint8_t to_u8(const Tlv& tlv);
std::uint32_t to_u32(const Tlv& tlv);

}  // namespace kagibin::tlv
