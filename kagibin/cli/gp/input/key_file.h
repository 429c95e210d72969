// SPDX-License-Identifier: Apache-2.0
// Keys of kagibin gp in a file: never on the command line, never in the environment.
//
//   # comment                         one entry begins with kvn
//   kvn 30                            key version, 00 to 7F or FF; 00 means the card's first set
//   type aes                          aes or 3des; may be left out: then the card is asked
//   enc 404142434445464748494A4B4C4D4E4F
//   mac 404142434445464748494A4B4C4D4E4F
//   dek 404142434445464748494A4B4C4D4E4F
//
//   kvn 71                            or a single key:
//   kid 01                            01 when left out
//   key 00112233445566778899AABBCCDDEEFF
//
// Names in lower case, values in hexadecimal digits of either case, blanks between. The file
// belongs to the caller or root, and nobody else may read it. Limits: 64 KiB, 64 entries; keys of
// 16, 24 or 32 octets, of 3DES 16 or 24. Ownership: secrets, move-only.
//
//   const auto keys = read_key_file("card.keys");
//   if (!keys) { say keys.error().line, keys.error().error; }
#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <optional>
#include <vector>

#include "kagibin/roles/security_module_manager/card/channel_opening.h"

namespace kagibin::cli {

struct KeyFileEntry {
  std::uint8_t version = 0;
  std::uint8_t identifier = 1;
  std::optional<bool> des{};
  SecretBytes enc{};
  SecretBytes mac{};
  SecretBytes dek{};
  SecretBytes single{};  // instead of the three

  bool is_set() const { return single.empty(); }
  // Precondition: is_set() (KB_CHECK).
  roles::security_module_manager::ChannelKeys channel_keys() const;
  // What PUT KEY carries; AES unless the entry says 3des.
  Result<std::vector<gp::Key>> gp_keys() const;
};

struct KeyFileProblem {
  std::size_t line = 0;  // 0: of the file as a whole
  Error error;
};

// kPolicy for a file that others may read, kNotFound; kEncoding, kConflict, kLength, kValue with
// the line.
std::expected<std::vector<KeyFileEntry>, KeyFileProblem> read_key_file(
    const std::filesystem::path& path);
std::expected<std::vector<KeyFileEntry>, KeyFileProblem> parse_key_file(ByteView text);

// The text of one entry; parse_key_file() reads it.
SecretBytes key_file_text(const KeyFileEntry& entry);

}  // namespace kagibin::cli
