// SPDX-License-Identifier: Apache-2.0
// A security domain's commands (GPCS chapter 11), of the ISD and of every SSD.
//
//   CLA INS                     session     handler
//   80 50, 84 82                            open/sessions/secure_channel.h
//   80/84, 00 CA  GET DATA      none        data_objects.h
//   84 D8  PUT KEY              C-MAC       keys/key_commands.h
//   84 E4  DELETE               C-MAC       content_commands.h (objects),
//                                           keys/key_commands.h (keys)
//   84 E6  INSTALL              C-MAC       content_commands.h
//   84 E8  LOAD                 C-MAC       content/sequences/load_commands.h
//   84 E2  STORE DATA           C-MAC       store_data.h
//   84 F0  SET STATUS           C-MAC       set_status.h
//   80/84 F2  GET STATUS        any         status_query.h
//
// What of this is left in CARD_LOCKED and TERMINATED: open/selection/card_life_cycle.h.
//
// Commands longer than an APDU come in pieces (content/sequences/command_pieces.h). In a session
// with C-MAC every command carries one. An answer is wrapped as the level says. What a command
// changes is one transaction. Thread-safety: one thread.
#pragma once

#include "kagibin/se/domain/domain_command.h"

namespace kagibin::se {

class SecurityDomain {
 public:
  SecurityDomain(Platform& platform,
                 SecureChannel& secure_channel,
                 Instances& instances,
                 LogicalChannels& channels)
      : platform_(platform),
        secure_channel_(secure_channel),
        instances_(instances),
        channels_(channels) {}

  apdu::ResponseApdu process(LogicalChannel& channel,
                             const RegistryEntry& domain,
                             const apdu::CommandApdu& command);
  // GET DATA 66 of the ISD.
  apdu::ResponseApdu card_data() const;

 private:
  apdu::ResponseApdu run(LogicalChannel& channel,
                         const RegistryEntry& domain,
                         const apdu::CommandApdu& header,
                         ByteView data);
  apdu::ResponseApdu process_whole(LogicalChannel& channel,
                                   const RegistryEntry& domain,
                                   const apdu::CommandApdu& command);

  Platform& platform_;
  SecureChannel& secure_channel_;
  Instances& instances_;
  LogicalChannels& channels_;
};

}  // namespace kagibin::se
