// SPDX-License-Identifier: Apache-2.0
// Who is selected on a logical channel: by SELECT (GPCS 2.3.1, 6.4.1.2, 11.9), implicitly (6.4.1.1,
// 6.4.2.1), and no longer. For se/ only.
//
// SELECT names a whole AID or its beginning; of several entries that begin so the first in order of
// AIDs is meant, and with P2 = 02 the first behind the one selected. No AID at all means the ISD.
// Locked entries, and those not yet selectable, are passed over. What finds nothing leaves the
// selection and its session alone; what finds something ends the session, of the same application
// too. An application is selected on one channel at a time (6985), security domains on any number.
//
// Implicitly, on the basic channel after reset and on a channel when it is opened: the application
// that INSTALL marked for this channel (CF), the one with Card Reset, the ISD; the first that can
// be selected. In CARD_LOCKED and TERMINATED the one with Final Application, and no other.
//
// CARD_LOCKED: SELECT of the final application answers 6283 when it is a security domain, of
// another 6A81 (5.1.1.4). What was selected stays so on the channel that the lock came on, so that
// whoever locked the card can unlock it; on every other one the final application alone does.
// TERMINATED: 6A81.
#pragma once

#include "kagibin/apdu/apdu.h"
#include "kagibin/se/open/instances.h"

namespace kagibin::se {

class Selector {
 public:
  Selector(Platform& platform, Instances& instances, LogicalChannels& channels)
      : platform_(platform), instances_(instances), channels_(channels) {}

  apdu::ResponseApdu select(LogicalChannel& channel, const apdu::CommandApdu& command);
  void select_implicitly(LogicalChannel& channel);
  // Ends the application's session, too.
  void deselect(LogicalChannel& channel);
  // After SET STATUS on `asked`: what is locked now is selected nowhere, and its keys serve no
  // session; a locked card is left to the final application; one that was terminated is as after a
  // reset (9.6.4: OPEN may reset it at once).
  void follow_life_cycles(const LogicalChannel& asked);

 private:
  std::optional<RegistryEntry> find(const LogicalChannel& channel,
                                    const apdu::CommandApdu& command,
                                    bool card_locked) const;
  apdu::ResponseApdu select_entry(LogicalChannel& channel, const RegistryEntry& entry);
  bool take(LogicalChannel& channel, const RegistryEntry& entry);
  bool is_cut_off(const LogicalChannel& channel) const;

  Platform& platform_;
  Instances& instances_;
  LogicalChannels& channels_;
};

}  // namespace kagibin::se
