// SPDX-License-Identifier: Apache-2.0
// P, what an envelope carries: actions, channel keys, the receipt key. Protocol, section 6.
// Plaintext: every octet string that may be a key is a secret type, and the encoded form is
// SecretBytes. Same decoding rules as enrolment.h.
//
//   P  C0 { 1..8 of A1 PUT KEY | A2 STORE DATA | A3 DELETE KEY | A4 COMMAND } | C1 channel keys |
//   C2 10 Kr
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::envelope {

struct PutKeyAction {  // A1
  struct Key {
    std::uint8_t type = 0x88;  // GPCS table 11-16: 88 AES
    SecretBytes value;         // 16, 24 or 32
    std::array<std::uint8_t, 3> kcv{};
  };
  std::uint8_t old_key_version = 0;       // 00: add
  std::uint8_t new_key_version = 0;       // 01 to 7F
  std::uint8_t first_key_identifier = 0;  // 01 to 7F
  std::vector<Key> keys;                  // 1 to 3
};

struct StoreDataAction {           // A2
  std::optional<Aid> application;  // INSTALL [for personalization] first
  bool under_key_dek = false;      // 81 b1
  SecretBytes data;                // DGI | len | value ..., 1 to 900
  std::optional<Bytes> probe;      // C-APDU whose R-MAC'd answer 9000 proves it
};

struct DeleteKeyAction {  // A3
  std::uint8_t key_version = 0;
};

struct CommandAction {                   // A4
  std::array<std::uint8_t, 4> header{};  // CLA INS P1 P2
  SecretBytes data;
  std::optional<Bytes> probe;
};

using Action = std::variant<PutKeyAction, StoreDataAction, DeleteKeyAction, CommandAction>;

struct ChannelKeys {  // C1
  std::uint8_t key_version = 0;
  SecretBytes enc;  // all three of one AES key size
  SecretBytes mac;
  SecretBytes dek;
};

struct Payload {
  std::vector<Action> actions;
  std::optional<ChannelKeys> channel_keys;  // RL1: present
  SecretArray<16> receipt_key;              // Kr

  // `octets` is the plaintext without padding.
  static Result<Payload> decode(ByteView octets);
  SecretBytes encode() const;
};

}  // namespace kagibin::envelope
