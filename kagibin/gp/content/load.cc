// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/content/load.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "kagibin/base/byte_io.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::gp {

namespace {

constexpr std::uint8_t kLast = 0x80;
constexpr std::uint8_t kDapBlock = 0xE2;
constexpr std::uint8_t kDataBlock = 0xC4;
constexpr std::uint8_t kIcv = 0xD3;
constexpr std::uint8_t kCipheredDataBlock = 0xD4;
constexpr tlv::Tag kAid = 0x4F;
constexpr tlv::Tag kSignature = 0xC3;
// An AID, a signature, and their tags and lengths.
constexpr std::size_t kMaxDapValue = 2 + Aid::kMaxLength + 4 + LoadFileReader::kMaxSignature;

// A tag of one octet and a length of up to three octets behind 81, 82 or 83.
struct Head {
  std::uint8_t tag = 0;
  std::size_t length = 0;
  std::size_t size = 0;  // octets of tag and length
};

// Nothing while octets are missing.
Result<std::optional<Head>> read_tag_and_length(ByteView octets) {
  if (octets.size() < 2) {
    return std::nullopt;
  }
  const unsigned first = octets[1];
  if (first < 0x80) {
    return Head{octets[0], first, 2};
  }
  const std::size_t count = first & 0x7FU;
  if (count == 0 || count > 3) {
    return fail(Errc::kEncoding, "a length in a load file follows 81, 82 or 83 (GPCS 11.6.2.3)");
  }
  if (octets.size() < 2 + count) {
    return std::nullopt;
  }
  std::size_t length = 0;
  for (const std::uint8_t octet : octets.subspan(2, count)) {
    length = (length << 8U) | octet;
  }
  return Head{octets[0], length, 2 + count};
}

}  // namespace

Result<Load> Load::decode(std::uint8_t p1, std::uint8_t p2) {
  if (p1 != 0 && p1 != kLast) {
    return fail(Errc::kValue, "P1 of LOAD is 00, or 80 for the last block (GPCS 11.6.2.1)");
  }
  return Load{.last = p1 == kLast, .block = p2};
}

apdu::CommandApdu Load::encode(ByteView octets) const {
  return {.cla = 0x80,
          .ins = apdu::ins::kLoad,
          .p1 = last ? kLast : std::uint8_t{0},
          .p2 = block,
          .data = Bytes(octets.begin(), octets.end()),
          .le = 256};
}

Bytes encode_load_file(const std::vector<DapBlock>& dap_blocks, ByteView data_block) {
  tlv::TlvWriter out;
  for (const DapBlock& one : dap_blocks) {
    out.put(kDapBlock, tlv::TlvWriter()
                           .put(kAid, one.security_domain.view())
                           .put(kSignature, one.signature)
                           .view());
  }
  return out.put(kDataBlock, data_block).take();
}

Result<void> LoadFileReader::add(ByteView octets) {
  if (in_data_) {
    return add_data(octets);
  }
  append(head_, octets);
  while (!in_data_) {
    if (!KB_TRY(read_head())) {
      return {};
    }
  }
  const Bytes first = std::exchange(head_, {});
  return add_data(first);
}

// True when a whole object, or the head of the data block, was taken from the front.
Result<bool> LoadFileReader::read_head() {
  const std::optional<Head> head = KB_TRY(read_tag_and_length(head_));
  if (!head) {
    return false;
  }
  if (head->tag == kDataBlock) {
    KB_TRY(begin_data(head->length));
    head_.erase(head_.begin(), head_.begin() + static_cast<std::ptrdiff_t>(head->size));
    return true;
  }
  if (head->tag == kCipheredDataBlock || head->tag == kIcv) {
    return fail(Errc::kNotSupported, "ciphered load files are not taken here (GPCS 11.6.2.3, D4)");
  }
  if (head->tag != kDapBlock) {
    return fail(Errc::kUnexpectedTag,
                "a load file is DAP blocks (E2), then tag C4 (GPCS 11.6.2.3)");
  }
  if (head->length > kMaxDapValue) {
    return fail(Errc::kLength, "a DAP block (tag E2) is too long (GPCS 11.6.2.3)");
  }
  const std::size_t end = head->size + head->length;
  if (head_.size() < end) {
    return false;
  }
  KB_TRY(read_dap_block(ByteView(head_).subspan(head->size, head->length)));
  head_.erase(head_.begin(), head_.begin() + static_cast<std::ptrdiff_t>(end));
  return true;
}

Result<void> LoadFileReader::read_dap_block(ByteView value) {
  tlv::TlvReader in(value);
  const tlv::Tlv aid = KB_TRY(in.expect(kAid, Aid::kMinLength, Aid::kMaxLength));
  const tlv::Tlv signature = KB_TRY(in.expect(kSignature, 1, kMaxSignature));
  KB_TRY(in.finish());
  const Aid domain = KB_TRY(Aid::from(aid.value));
  if (dap_blocks_.size() == kMaxDapBlocks) {
    return fail(Errc::kLimit, "a load file has at most eight DAP blocks here");
  }
  if (std::ranges::find(dap_blocks_, domain, &DapBlock::security_domain) != dap_blocks_.end()) {
    return fail(Errc::kConflict, "a load file has one DAP block a security domain");
  }
  dap_blocks_.push_back({.security_domain = domain,
                         .signature = Bytes(signature.value.begin(), signature.value.end())});
  return {};
}

Result<void> LoadFileReader::begin_data(std::size_t length) {
  if (length > limit_) {
    return fail(Errc::kNoSpace, "the load file is longer than the memory left for it (GPCS 9.3.5)");
  }
  if (length == 0) {
    return fail(Errc::kLength, "a load file data block (tag C4) is not empty (GPCS 11.6.2.3)");
  }
  in_data_ = true;
  announced_ = length;
  data_block_.reserve(length);
  return {};
}

Result<void> LoadFileReader::add_data(ByteView octets) {
  if (octets.size() > announced_ - data_block_.size()) {
    return fail(Errc::kTrailing, "more octets come than tag C4 announced (GPCS 11.6.2.3)");
  }
  append(data_block_, octets);
  return {};
}

}  // namespace kagibin::gp
