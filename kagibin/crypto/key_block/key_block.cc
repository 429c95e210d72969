// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/key_block/key_block.h"

#include <algorithm>

#include <fmt/format.h>

#include "kagibin/crypto/key_block/key_block_text.h"

namespace kagibin::crypto {
namespace {

constexpr std::size_t kFixedHeader = 16;
constexpr std::size_t kMostBlocks = 99;
constexpr std::size_t kMacDigits = 2 * kAesBlockSize;
constexpr std::size_t kBlockDigits = 2 * kAesBlockSize;

Result<void> check_version(char version) {
  switch (version) {
    case 'D':
      return {};
    case 'A':
    case 'C':
      return fail(Errc::kNotSupported,
                  "a key block of version A or C (TDEA, key variant binding, a MAC of 4 octets) is "
                  "not taken; ask for version D (AES)");
    case 'B':
      return fail(Errc::kNotSupported,
                  "a key block of version B (TDEA, key derivation binding) is not taken: it holds "
                  "no AES key; ask for version D (AES)");
    case 'E':
      return fail(Errc::kNotSupported,
                  "a key block of version E (ISO 20038) is not taken; ask for version D (AES)");
    default:
      return fail(Errc::kValue, "not a key block: it does not begin with its version A to E");
  }
}

bool is_one_of(char c, std::string_view choice) { return choice.find(c) != std::string_view::npos; }

std::size_t size_of(const std::vector<OptionalBlock>& blocks) {
  std::size_t out = 0;
  for (const OptionalBlock& block : blocks) {
    out += block.encode().size();
  }
  return out;
}

Result<void> check_optional_blocks(const std::vector<OptionalBlock>& blocks) {
  if (blocks.size() > kMostBlocks) {
    return fail(Errc::kLimit, "a key block has at most 99 optional blocks");
  }
  for (auto it = blocks.begin(); it != blocks.end(); ++it) {
    KB_TRY(it->check());
    if (it->id == kPaddingBlock && it + 1 != blocks.end()) {
      return fail(Errc::kValue, "the padding block PB is not the last optional block");
    }
    if (std::ranges::any_of(blocks.begin(), it, [&](const auto& b) { return b.id == it->id; })) {
      return fail(Errc::kValue, "the key block has an optional block twice");
    }
  }
  if (size_of(blocks) % kAesBlockSize != 0) {
    return fail(Errc::kLength, "the optional blocks are not padded to whole blocks of 16");
  }
  return {};
}

Result<void> check_header(const KeyBlockHeader& header) {
  if (!is_alphanumeric(header.key_usage, 2) || !is_alphanumeric({&header.algorithm, 1}, 1) ||
      !is_alphanumeric({&header.mode_of_use, 1}, 1) ||
      !is_alphanumeric(header.key_version_number, 2)) {
    return fail(Errc::kValue,
                "usage, algorithm, mode of use and key version number are letters and digits");
  }
  if (!is_one_of(header.exportability, "ENS")) {
    return fail(Errc::kValue, "the exportability of a key is E, N or S");
  }
  if (!is_one_of(header.key_context, "012")) {
    return fail(Errc::kValue, "the context of a key is 0, 1 or 2");
  }
  return check_optional_blocks(header.optional_blocks);
}

}  // namespace

const std::string* KeyBlockHeader::find(std::string_view id) const {
  const auto at = std::ranges::find(optional_blocks, id, &OptionalBlock::id);
  return at == optional_blocks.end() ? nullptr : &at->data;
}

void KeyBlockHeader::pad() {
  const std::size_t over = size_of(optional_blocks) % kAesBlockSize;
  if (over == 0) {
    return;
  }
  constexpr std::size_t kHead = 4;
  const std::size_t room = (2 * kAesBlockSize - over - kHead) % kAesBlockSize;
  optional_blocks.push_back({.id = std::string(kPaddingBlock), .data = std::string(room, '0')});
}

Result<Bytes> KeyBlockHeader::encode(std::size_t body_characters) const {
  KB_TRY(check_header(*this));
  const std::size_t size = kFixedHeader + size_of(optional_blocks) + body_characters;
  if (size > kLongestKeyBlock) {
    return fail(Errc::kLimit, "the key block is longer than 9,999 characters");
  }
  std::string out =
      fmt::format("D{:04}{}{}{}{}{}{:02}{}0", size, key_usage, algorithm, mode_of_use,
                  key_version_number, exportability, optional_blocks.size(), key_context);
  for (const OptionalBlock& block : optional_blocks) {
    out += block.encode();
  }
  const ByteView octets = ascii(out);
  return Bytes(octets.begin(), octets.end());
}

Result<KeyBlock> KeyBlock::decode(ByteView characters) {
  ByteReader in(characters);
  const std::uint8_t version = KB_TRY(in.u8());
  KB_TRY(check_version(static_cast<char>(version)));
  const std::size_t size = KB_TRY(read_decimal_number(in, 4));
  if (size > characters.size()) {
    return fail(Errc::kTruncated, "the key block is shorter than it says");
  }
  if (size < characters.size()) {
    return fail(Errc::kTrailing, "the key block is longer than it says");
  }
  KeyBlock out;
  KeyBlockHeader& header = out.header;
  header.key_usage = KB_TRY(read_text(in, 2));
  header.algorithm = static_cast<char>(KB_TRY(in.u8()));
  header.mode_of_use = static_cast<char>(KB_TRY(in.u8()));
  header.key_version_number = KB_TRY(read_text(in, 2));
  header.exportability = static_cast<char>(KB_TRY(in.u8()));
  const std::size_t count = KB_TRY(read_decimal_number(in, 2));
  header.key_context = static_cast<char>(KB_TRY(in.u8()));
  if (KB_TRY(in.u8()) != '0') {
    return fail(Errc::kValue, "the last character of the key block's header is reserved and not 0");
  }
  for (std::size_t i = 0; i < count; ++i) {
    header.optional_blocks.push_back(KB_TRY(OptionalBlock::read(in)));
  }
  KB_TRY(check_header(header));
  if (in.remaining() < kBlockDigits + kMacDigits || in.remaining() % kBlockDigits != 0) {
    return fail(Errc::kLength, "the key data of the key block is not whole blocks and a MAC");
  }
  out.encrypted = KB_TRY(read_octets(in, in.remaining() - kMacDigits));
  const Bytes mac = KB_TRY(read_octets(in, kMacDigits));
  out.mac = *to_array<kAesBlockSize>(mac);
  return out;
}

Result<Bytes> KeyBlock::encode() const {
  if (encrypted.empty() || encrypted.size() % kAesBlockSize != 0) {
    return fail(Errc::kLength, "the key data of a key block is whole blocks of 16 octets");
  }
  Bytes out = KB_TRY(header.encode(2 * encrypted.size() + kMacDigits));
  append(out, ascii(to_hex(encrypted)));
  append(out, ascii(to_hex(mac)));
  return out;
}

}  // namespace kagibin::crypto
