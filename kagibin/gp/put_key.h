// SPDX-License-Identifier: Apache-2.0
// PUT KEY (GPCS 2.3.1, 11.8; AES keys: Amendment D v1.2, 7.2).
//
//   80 D8 | P1 old key version (00: add) | P2 b8 several keys, b7-b1 first KID | Lc | new key
//   version | key... key, as written   88 | n+1 | clear length | n octets, encrypted under Key-DEK
//   | 03 | KCV key, also read    88 | n   |                n octets, encrypted under Key-DEK | 03 |
//   KCV answer            key version | KCV of each key that came with one
//
// The value is encrypted by the secure channel, before encode() and after decode(): no clear key is
// seen here but by pad_key_value. Limits: AES only (type 88), at most 127 keys, short command data
// of 255 octets is the caller's to keep. Ownership: values. Thread-safety: values.
//
//   PutKey put{.new_version = 0x31, .first_identifier = 1, .keys = {enc, mac, dek}};
//   apdu::CommandApdu c = KB_TRY(put.encode());
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "kagibin/apdu/apdu.h"
#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::gp {

inline constexpr std::uint8_t kKeyTypeAes = 0x88;  // GPCS table 11-16
inline constexpr std::uint8_t kHighestKeyVersion = 0x7F;

using KeyCheckValue = std::array<std::uint8_t, 3>;

struct EncryptedKey {
  std::uint8_t type = kKeyTypeAes;
  Bytes encrypted_value{};             // 16 or 32 octets
  std::size_t clear_length = 0;        // 16, 24 or 32 octets
  std::optional<KeyCheckValue> kcv{};  // empty: the command carried KCV length 00
  friend bool operator==(const EncryptedKey&, const EncryptedKey&) = default;
};

struct PutKey {
  std::uint8_t old_version = 0;       // 00 adds a key set, else replaces this one
  std::uint8_t new_version = 0;       // 01 to 7F
  std::uint8_t first_identifier = 0;  // each further key has the next one
  std::vector<EncryptedKey> keys{};

  bool replaces() const { return old_version != 0; }

  // kNotSupported for a key type that is not AES and for b8 of P1 (more commands follow); kValue
  // for versions and identifiers, kLength for key and KCV lengths, kTruncated, kTrailing. P2's b8
  // clear with several keys is kValue.
  static Result<PutKey> decode(std::uint8_t p1, std::uint8_t p2, ByteView data);
  // Refuses what decode() refuses.
  Result<apdu::CommandApdu> encode() const;
  friend bool operator==(const PutKey&, const PutKey&) = default;
};

// The key as it is encrypted: with 80 00..00 behind it up to a whole block when it is not one (24
// octets become 32). The receiver cuts at the clear length and looks at nothing behind it.
// kInvalidArgument unless 16, 24 or 32 octets.
Result<SecretBytes> pad_key_value(const SecretBytes& key);

struct PutKeyAnswer {
  std::uint8_t version = 0;
  std::vector<KeyCheckValue> kcvs{};

  static Result<PutKeyAnswer> decode(ByteView data);
  Bytes encode() const;
  friend bool operator==(const PutKeyAnswer&, const PutKeyAnswer&) = default;
};

}  // namespace kagibin::gp
