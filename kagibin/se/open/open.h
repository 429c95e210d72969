// SPDX-License-Identifier: Apache-2.0
// OPEN (GPCS chapter 4 and 6): takes every command, finds its logical channel, answers SELECT,
// MANAGE CHANNEL and GET RESPONSE itself and hands the rest to whoever is selected.
//
// What is checked, in this order: a class octet and four octets at least (6700), class (6E00,
// 6882), channel open (6881), length fields (6700), then the command. Applications see the class
// octet of channel 0. Command chaining (b5) is theirs; security domains refuse it (6884). Rules
// that the specifications leave to the element:
//
// - A new channel has the ISD selected. Closing a channel that is closed answers 6200.
// - SELECT that finds nothing leaves the selection and its session alone; one that finds something
//   ends the session, of the same application too. An application is selected on one channel at a
//   time (6985), security domains on any number.
// - GET DATA 66 that an application does not know (6D00, 6E00, 6A86, 6A88) is answered from the
// ISD,
//   outside a secure channel session.
// - An answer longer than Le (256 without one) leaves by 61xx and GET RESPONSE (class 00, or
//   80 while something waits).
#pragma once

#include "kagibin/apdu/apdu.h"
#include "kagibin/se/domain/security_domain.h"
#include "kagibin/se/open/instances.h"

namespace kagibin::se {

class Open {
 public:
  explicit Open(Platform& platform);

  // Total: any octets give an R-APDU.
  Bytes process(ByteView c_apdu);
  // Why the last command was refused; empty when it was not, or when no reason is named.
  Detail reason() const { return reason_; }
  // Power-on or reset: sessions and applications' objects are gone, the ISD is selected on channel
  // 0.
  void reset();
  Instances& instances() { return instances_; }

 private:
  apdu::ResponseApdu answer_to(ByteView c_apdu);
  apdu::ResponseApdu dispatch(LogicalChannel& channel,
                              const apdu::ClassOctet& octet,
                              const apdu::CommandApdu& command);
  apdu::ResponseApdu manage_channel(LogicalChannel& channel, const apdu::CommandApdu& command);
  apdu::ResponseApdu open_channel(std::uint8_t number);
  apdu::ResponseApdu close_channel(LogicalChannel& channel);
  apdu::ResponseApdu select(LogicalChannel& channel, const apdu::CommandApdu& command);
  apdu::ResponseApdu select_entry(LogicalChannel& channel, const RegistryEntry& entry);
  apdu::ResponseApdu to_application(LogicalChannel& channel,
                                    const RegistryEntry& entry,
                                    const apdu::CommandApdu& command);
  void deselect(LogicalChannel& channel);
  static apdu::ResponseApdu limit_answer(LogicalChannel& channel,
                                         apdu::ResponseApdu answer,
                                         const apdu::CommandApdu& command);
  static apdu::ResponseApdu get_response(LogicalChannel& channel, const apdu::CommandApdu& command);

  Platform& platform_;
  LogicalChannels channels_;
  SecureChannel secure_channel_;
  Instances instances_;
  SecurityDomain security_domain_;
  Detail reason_{};
};

}  // namespace kagibin::se
