// SPDX-License-Identifier: Apache-2.0
// A command that comes in several APDUs (GPCS 11.1.5.1; ISO/IEC 7816-4, 5.3.3): the card's side of
// gp/command_pieces.h. For se/ only.
//
//   by P1        b8 set: more follow (PUT KEY, INSTALL, DELETE)
//   by class     b5 set: more follow (the same, LOAD and STORE DATA)
//
// Secure messaging covers the command as a whole: the pieces are joined as they came and opened
// afterwards, under the header of the last one. A piece is answered 9000 without secure messaging;
// only in a session (6982). The header of every piece is the same but for those two bits; another
// command drops what came so far. Limit: 16,384 octets (6700).
#pragma once

#include <optional>

#include "kagibin/apdu/apdu.h"
#include "kagibin/base/secret.h"

namespace kagibin::se {

class CommandPieces {
 public:
  static constexpr std::size_t kMaxOctets = 16'384;

  // Whether it says that more follow, of a command that may.
  static bool is_piece(const apdu::CommandApdu& command);
  // 9000, or 6700 and nothing is kept.
  StatusWord add(const apdu::CommandApdu& piece);
  // The whole command, when `last` ends what came so far; `last` alone otherwise. Its data count as
  // secret.
  apdu::CommandApdu join(const apdu::CommandApdu& last);
  void drop();

 private:
  // Class, instruction and parameters of the whole command.
  static apdu::CommandApdu head_of(const apdu::CommandApdu& piece);

  apdu::CommandApdu head_{};
  SecretBytes octets_{};  // may be keys without encryption
};

}  // namespace kagibin::se
