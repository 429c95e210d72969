// SPDX-License-Identifier: Apache-2.0
// Key blocks as the field exchanges keys (ANSI X9.143-2022, before it ASC X9 TR-31): one line of
// ASCII that binds a key to what it may be used for.
//
//   offset  characters
//    0       1  version ID: D is taken; A, B, C (TDEA) and E (ISO 20038) are refused by name
//    1       4  length of the whole block, decimal
//    5       2  key usage (key_usage.h)
//    7       1  algorithm: A AES, T TDEA, H HMAC, R RSA, E EC, ...
//    8       1  mode of use
//    9       2  key version number; 00 means none, c0 to c9 a component
//   11       1  exportability: E under a key of this kind, N not, S otherwise too
//   12       2  number of optional blocks, decimal
//   14       1  key context: 0 as the KBPK says, 1 storage, 2 exchange
//   15       1  0, reserved
//   16          optional blocks (optional_block.h), the last of them PB where their length is no
//               multiple of 16
//               encrypted key data, hexadecimal
//   -32     32  MAC, hexadecimal
//
// Decoding is total and says nothing of authenticity; open_key_block() (key_block_protection.h)
// does. What decodes encodes to the same characters: one form of every length, upper-case digits.
// Limits: 9,999 characters, 99 optional blocks. Ownership: values. Thread-safety: values.
//
//   const KeyBlock block = KB_TRY(KeyBlock::decode(ascii(line)));
//   const SecretBytes key = KB_TRY(open_key_block(kbpk, block));
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/key_block/optional_block.h"

namespace kagibin::crypto {

struct KeyBlockHeader {
  std::string key_usage = "D0";
  char algorithm = 'A';
  char mode_of_use = 'N';
  std::string key_version_number = "00";
  char exportability = 'N';
  char key_context = '0';
  std::vector<OptionalBlock> optional_blocks;

  // With the length of a block whose key data and MAC take `body` characters behind the header.
  // kValue for what no header can say, kLimit for one that is too long.
  Result<Bytes> encode(std::size_t body_characters) const;
  // The data of the optional block of this ID; null when there is none.
  const std::string* find(std::string_view id) const;
  // Adds the block PB where the others need one; there must be none yet.
  void pad();
  bool operator==(const KeyBlockHeader&) const = default;
};

struct KeyBlock {
  KeyBlockHeader header;
  Bytes encrypted;  // whole blocks of 16 octets, one at least
  AesBlock mac{};

  // kNotSupported for versions and optional blocks that are refused; kTruncated, kTrailing,
  // kEncoding, kLength, kValue.
  static Result<KeyBlock> decode(ByteView characters);
  Result<Bytes> encode() const;
  bool operator==(const KeyBlock&) const = default;
};

}  // namespace kagibin::crypto
