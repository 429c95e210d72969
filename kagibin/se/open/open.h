// SPDX-License-Identifier: Apache-2.0
// OPEN (GPCS chapter 4 and 6): takes every command, finds its logical channel, answers SELECT,
// MANAGE CHANNEL and GET RESPONSE (selection/) and hands the rest to whoever is selected.
//
// What is checked, in this order: a class octet and four octets at least (6700), class (6E00,
// 6882), channel open (6881), length fields (6700), then the command. Applications see the class
// octet of channel 0. Command chaining (b5) is theirs; security domains refuse it (6884). Rules
// that the specifications leave to the element:
//
// - The delivery commands (kda/instructions.h) to a domain that takes deliveries by itself go to
//   its code for them, in every session and without one; everything else is the domain's.
// - After a reset the first command finds somebody selected on the basic channel.
// - GET DATA 66 that an application does not know (6D00, 6E00, 6A86, 6A88) is answered from the
//   ISD, outside a secure channel session.
// - GET RESPONSE has class 00, or 80 while something waits.
// - SET STATUS has its effect on selections and sessions once it is answered.
#pragma once

#include "kagibin/apdu/apdu.h"
#include "kagibin/se/domain/security_domain.h"
#include "kagibin/se/open/instances.h"
#include "kagibin/se/open/selection/channel_manager.h"

namespace kagibin::se {

class Open {
 public:
  explicit Open(Platform& platform);

  // Total: any octets give an R-APDU.
  Bytes process(ByteView c_apdu);
  // Why the last command was refused; empty when it was not, or when no reason is named.
  Detail reason() const { return reason_; }
  // Power-on or reset: sessions and applications' objects are gone.
  void reset();
  Instances& instances() { return instances_; }

 private:
  apdu::ResponseApdu answer_to(ByteView c_apdu);
  apdu::ResponseApdu dispatch(LogicalChannel& channel,
                              const apdu::ClassOctet& octet,
                              const apdu::CommandApdu& command);
  apdu::ResponseApdu to_delivery(LogicalChannel& channel,
                                 const RegistryEntry& domain,
                                 const apdu::CommandApdu& command);
  apdu::ResponseApdu to_application(LogicalChannel& channel,
                                    const RegistryEntry& entry,
                                    const apdu::CommandApdu& command);

  Platform& platform_;
  LogicalChannels channels_;
  SecureChannel secure_channel_;
  Instances instances_;
  SecurityDomain security_domain_;
  Selector selector_;
  ChannelManager channel_manager_;
  bool is_fresh_ = true;  // nobody was selected implicitly since power-on
  Detail reason_{};
};

}  // namespace kagibin::se
