// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/key_block/optional_block.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "kagibin/crypto/key_block/key_block_text.h"

namespace kagibin::crypto {
namespace {

enum class Content { kText, kHex, kRefused };

struct Rule {
  std::string_view id;
  Content content;
};

// X9.143, table 7. The table is the whole list: what is not in it is refused.
constexpr std::array kRules = {
    Rule{"AL", Content::kHex},      // life of an asymmetric key
    Rule{"BI", Content::kHex},      // identifier of a base derivation key
    Rule{"CT", Content::kText},     // certificate: format, then base64 or certificates
    Rule{"DA", Content::kRefused},  // derivations allowed
    Rule{"FL", Content::kRefused},  // flags
    Rule{"HM", Content::kHex},      // hash of an HMAC key
    Rule{"IK", Content::kHex},      // initial key identifier of AES DUKPT
    Rule{"KC", Content::kHex},      // check value of the key
    Rule{"KP", Content::kHex},      // check value of the KBPK
    Rule{"KS", Content::kHex},      // key serial number of TDEA DUKPT
    Rule{"KV", Content::kText},     // version of the table of values; deprecated
    Rule{"LB", Content::kText},     // label
    Rule{"PB", Content::kText},     // padding
    Rule{"PK", Content::kHex},      // check value of the KBPK of an export before
    Rule{"TC", Content::kText},     // time of creation
    Rule{"TS", Content::kText},     // time stamp
    Rule{"WP", Content::kHex},      // wrapping pedigree
};

constexpr std::size_t kShortHead = 4;
constexpr std::size_t kLongHead = 10;
constexpr std::size_t kLongestShort = 0xFF;
constexpr std::string_view kLongMark = "0002";

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7E; });
}

bool is_upper_hex(std::string_view text) {
  return text.size() % 2 == 0 && text.find_first_not_of("0123456789ABCDEF") == std::string::npos;
}

std::size_t whole_size(const OptionalBlock& block) {
  return block.data.size() +
         (block.data.size() + kShortHead <= kLongestShort ? kShortHead : kLongHead);
}

}  // namespace

Result<void> OptionalBlock::check() const {
  if (!is_alphanumeric(id, 2)) {
    return fail(Errc::kEncoding, "the ID of an optional block is two letters or digits");
  }
  const auto* const rule = std::ranges::find(kRules, id, &Rule::id);
  if (rule == kRules.end()) {
    return fail(Errc::kNotSupported,
                "the key block has an optional block that ANSI X9.143 does not name: what it says "
                "of the key would be lost");
  }
  if (rule->content == Content::kRefused) {
    return fail(Errc::kNotSupported,
                "the key block has an optional block DA or FL, which limits the key in a way that "
                "is not kept here");
  }
  if (!is_printable(data) || (rule->content == Content::kHex && !is_upper_hex(data))) {
    return fail(Errc::kEncoding, "an optional block holds characters that it cannot hold");
  }
  if (whole_size(*this) > kLongestKeyBlock) {
    return fail(Errc::kLimit, "an optional block is longer than a key block");
  }
  return {};
}

std::string OptionalBlock::encode() const {
  const std::size_t size = whole_size(*this);
  return size == data.size() + kShortHead ? fmt::format("{}{:02X}{}", id, size, data)
                                          : fmt::format("{}{}{:04X}{}", id, kLongMark, size, data);
}

Result<OptionalBlock> OptionalBlock::read(ByteReader& in) {
  OptionalBlock out;
  out.id = KB_TRY(read_text(in, 2));
  std::size_t size = KB_TRY(read_hex_number(in, 2));
  std::size_t head = kShortHead;
  if (size == 0) {
    if (KB_TRY(read_hex_number(in, 2)) != 2) {
      return fail(
          Errc::kEncoding,
          "the long length of an optional block is written in two octets (0002, then four digits)");
    }
    size = KB_TRY(read_hex_number(in, 4));
    head = kLongHead;
  }
  if (size < head) {
    return fail(Errc::kLength, "an optional block is shorter than its own head");
  }
  out.data = KB_TRY(read_text(in, size - head));
  KB_TRY(out.check());
  if (whole_size(out) != size) {
    return fail(Errc::kEncoding, "the length of an optional block is in the long form for nothing");
  }
  return out;
}

}  // namespace kagibin::crypto
