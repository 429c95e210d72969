// SPDX-License-Identifier: Apache-2.0
// PUT KEY (GPCS 2.3.1, 11.8; AES keys: Amendment D v1.2, 7.2; types: key/key_type.h).
//
//   80 D8 | P1 b8 more commands, old key version (00: add) | P2 b8 several keys, b7-b1 first KID
//   data            new key version | key...
//   key, basic      (type | length | block) of each component | KCV length | KCV
//   key, extended   (FF | type | length | block) of each | KCV length | KCV | usage length | usage
//                   | access length | access                                     (key_policy.h)
//   block           a public component as it is; a secret one encrypted under the session's key for
//                   sensitive data, after its clear length when it is padded
//   answer          new key version | KCV of each key that has one
//
// Lengths are BER lengths (GPCS 11.1.5), and 80 alone is also 128, as older hosts write it.
//
// The two dialects of a secret block, n octets encrypted: with the clear length before it, or
// without it. Ciphertext is whole blocks of eight octets (3DES) or sixteen (AES), so that a length
// that leaves 1, 2 or 3 behind eights has a clear length of as many octets before it, and one that
// leaves nothing has none: then every octet is key. AES keys are written with it (88 11 10 ...),
// the others only when padded, as hosts do.
//
// Values are encrypted by the secure channel, before encode() and after decode(); no clear secret
// is seen here but by seal_key. Longer data than 255 octets go in pieces
// (command_pieces.h). Limits: at most 127 keys. Ownership:
// values.
//
//   PutKey put{.new_version = 0x31, .first_identifier = 1, .keys = {enc, mac, dek}};
//   apdu::CommandApdu c = KB_TRY(put.encode());
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "kagibin/apdu/apdu.h"
#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/gp/key/key.h"

namespace kagibin::gp {

inline constexpr std::uint8_t kHighestKeyVersion = 0x7F;

struct KeyComponentData {
  std::uint8_t type = 0;
  Bytes value{};                 // encrypted when is_secret(type)
  std::size_t clear_length = 0;  // of a secret one; what follows it is padding
  friend bool operator==(const KeyComponentData&, const KeyComponentData&) = default;
};

struct KeyData {
  std::vector<KeyComponentData> components{};
  std::optional<KeyCheckValue> kcv{};  // empty: the command carried KCV length 00
  std::optional<KeyPolicy> policy{};   // with one: the extended format
  friend bool operator==(const KeyData&, const KeyData&) = default;
};

// A symmetric key that is encrypted already, with its padding.
KeyData encrypted_key(std::uint8_t type,
                      Bytes encrypted,
                      std::size_t clear_length,
                      std::optional<KeyCheckValue> kcv);

struct PutKey {
  std::uint8_t old_version = 0;       // 00 adds a key set, else replaces this one
  std::uint8_t new_version = 0;       // 01 to 7F
  std::uint8_t first_identifier = 0;  // each further key has the next one
  std::vector<KeyData> keys{};

  bool replaces() const { return old_version != 0; }

  // Total. kNotSupported for key types that are none of key_type.h and for b8 of P1; kValue for
  // versions, identifiers and components that make no key; kLength for lengths that cannot be;
  // kTruncated, kEncoding. P2's b8 clear with several keys is kValue.
  static Result<PutKey> decode(std::uint8_t p1, std::uint8_t p2, ByteView data);
  // Refuses what decode() refuses. Data longer than 255 octets make an extended command.
  Result<apdu::CommandApdu> encode() const;
  friend bool operator==(const PutKey&, const PutKey&) = default;
};

// A secret value as it is encrypted: with 80 00..00 behind it up to a whole block when it is not
// one. The receiver cuts at the clear length and looks at nothing behind it.
SecretBytes pad_key_value(ByteView value, std::size_t block_bytes);
// Of an AES key for AES: 24 octets become 32. kInvalidArgument unless 16, 24 or 32 octets.
Result<SecretBytes> pad_key_value(const SecretBytes& key);

// The cipher of a session for sensitive data, and its block: 8 octets (SCP02) or 16.
struct SensitiveCipher {
  std::function<Result<Bytes>(ByteView)> encrypt;
  std::size_t block_bytes = 16;
};
// A key ready to send: secret components padded and encrypted, with its check value if it has one.
Result<KeyData> seal_key(const Key& key, const SensitiveCipher& cipher);

struct PutKeyAnswer {
  std::uint8_t version = 0;
  std::vector<KeyCheckValue> kcvs{};

  static Result<PutKeyAnswer> decode(ByteView data);
  Bytes encode() const;
  friend bool operator==(const PutKeyAnswer&, const PutKeyAnswer&) = default;
};

}  // namespace kagibin::gp
