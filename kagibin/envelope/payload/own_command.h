// SPDX-License-Identifier: Apache-2.0
// The target's own commands in a payload: every COMMAND, and every C-APDU that a payload gives as a
// probe. They leave the key delivery application as the service provider wrote them, so that they
// have rules of their own (protocol, sections 6 and 9):
//
//   class octet   00 or 80: channel 0, no secure messaging, no chaining. The channel adds its bits.
//   probe         a short C-APDU: header; header, Le; header, Lc 01 to FF, data, Le or not
//   A0/85         RL1, RL3: demands R-MAC and R-ENC of the target's i (bits 20 and 40). Every
//                 session encrypts what goes to the target, but without R-ENC what such a command
//                 answers comes back in the clear, and nobody but the application knows what that
//                 is. RL2, RL4: nothing to demand, a session by certificates has both.
//
// Sealing refuses what breaks them, and so does LOAD. Ownership: values. Thread-safety: pure.
//
//   for (const OwnCommand& command : own_commands(payload.actions)) { ... }
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kagibin/envelope/payload/payload.h"

namespace kagibin::envelope {

// R-MAC and R-ENC in SCP03's i (Amendment D, 5.1).
inline constexpr std::uint8_t kAnswersEncryptedMask = 0x60;

struct OwnCommand {
  std::size_t action = 0;                // index into the payload's actions
  std::array<std::uint8_t, 4> header{};  // CLA INS P1 P2; goes in the clear in every session
  bool is_probe = false;
  friend bool operator==(const OwnCommand&, const OwnCommand&) = default;
};

// In the order of the actions, a probe behind its COMMAND.
std::vector<OwnCommand> own_commands(const std::vector<Action>& actions);

bool is_plain_class(std::uint8_t cla);
// kLength, kEncoding, kValue.
Result<void> check_probe_command(ByteView command);

// kPolicy when the header lets the target answer an own command in the clear.
Result<void> check_own_commands(const EnvelopeHeader& header, const Payload& payload);

}  // namespace kagibin::envelope
