// SPDX-License-Identifier: Apache-2.0
// P, what an envelope carries: actions, channel keys, the receipt key. Protocol, section 6.
// Plaintext: every octet string that may be a key is a secret type, and the encoded form is
// SecretBytes. Same decoding rules as enrolment.h.
//
//   P  C0 { 1..8 of A1 PUT KEY | A2 STORE DATA | A3 DELETE KEY | A4 COMMAND } | C1 channel keys |
//   C2 10 Kr
//
// Whether a KCV belongs to its key is not checked here: that takes AES.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/envelope/delivery_message.h"

namespace kagibin::envelope {

inline constexpr std::size_t kMaxActions = 8;
inline constexpr std::size_t kMaxKeysPerAction = 3;
inline constexpr std::size_t kStoreDataMaxSize = 900;
inline constexpr std::size_t kCommandDataMaxSize = 223;  // what fits a short APDU under encryption
inline constexpr std::size_t kProbeMinSize = 4;
inline constexpr std::size_t kProbeMaxSize = 229;  // header, Lc, 223 octets of data, Le
inline constexpr std::uint8_t kKeyTypeAes = 0x88;  // GPCS, table 11-16

struct PutKeyAction {  // A1
  struct Key {
    std::uint8_t type = kKeyTypeAes;
    SecretBytes value;  // 16, 24 or 32
    std::array<std::uint8_t, 3> kcv{};
  };
  std::uint8_t old_key_version = 0;       // 01 to 7F; 00: add
  std::uint8_t new_key_version = 0;       // 01 to 7F
  std::uint8_t first_key_identifier = 0;  // 01 to 7F
  std::vector<Key> keys;                  // 1 to 3
};

struct StoreDataAction {           // A2
  std::optional<Aid> application;  // INSTALL [for personalization] first
  bool under_key_dek = false;      // 81 b1
  SecretBytes data;                // DGI (2) | length (xx, or FF xx xx) | value ..., 3 to 900
  std::optional<Bytes> probe;      // C-APDU whose R-MAC'd answer 9000 proves it
};

struct DeleteKeyAction {         // A3
  std::uint8_t key_version = 0;  // 01 to 7F
};

struct CommandAction {                   // A4
  std::array<std::uint8_t, 4> header{};  // CLA INS P1 P2
  SecretBytes data;                      // 0 to 223
  std::optional<Bytes> probe;
};

using Action = std::variant<PutKeyAction, StoreDataAction, DeleteKeyAction, CommandAction>;

struct ChannelKeys {             // C1
  std::uint8_t key_version = 0;  // 01 to 7F
  SecretBytes enc{};             // all three of one AES key size; RL4: enc and mac empty
  SecretBytes mac{};
  SecretBytes dek{};

  bool is_dek_alone() const { return enc.empty() && mac.empty(); }
};

struct Payload {
  std::vector<Action> actions;              // 1 to 8, in order of execution
  std::optional<ChannelKeys> channel_keys;  // RL1, RL3: three; RL2, OS: absent; RL4: Key-DEK
  SecretArray<16> receipt_key;              // Kr

  // `octets` is the plaintext without padding.
  static Result<Payload> decode(ByteView octets);
  // What decode() demands of the values: kLength, kValue, kLimit, kNotSupported (key type).
  Result<void> check() const;
  SecretBytes encode() const;
};

// What a relay level demands of C1. RL1, RL3: three keys, with the KVN that A0/85 names. RL2:
// absent. RL4: Key-DEK alone, with that KVN. At RL2 and RL4 no action touches the key version of
// SK.SD.ECKA, under which the channel has to open again after a cut. OS: absent, and no command or
// probe of the target's own. kValue otherwise.
Result<void> check_channel_keys(const EnvelopeHeader& header, const Payload& payload);

}  // namespace kagibin::envelope
