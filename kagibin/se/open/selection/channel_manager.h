// SPDX-License-Identifier: Apache-2.0
// MANAGE CHANNEL (GPCS 2.3.1, 11.7; ISO/IEC 7816-4, 11.1.2): logical channels are opened, with an
// application implicitly selected on them (selector.h), and closed. For se/ only.
//
// The card names the channel (P2 = 00) or the host does. The basic channel is always open; closing
// another that is closed answers 6200. In CARD_LOCKED and TERMINATED none is opened: 6A81.
#pragma once

#include "kagibin/se/open/selection/selector.h"

namespace kagibin::se {

class ChannelManager {
 public:
  ChannelManager(const Platform& platform, LogicalChannels& channels, Selector& selector)
      : platform_(platform), channels_(channels), selector_(selector) {}

  // `channel` is the one that the command came on.
  apdu::ResponseApdu process(LogicalChannel& channel, const apdu::CommandApdu& command);

 private:
  apdu::ResponseApdu open(const apdu::CommandApdu& command);
  apdu::ResponseApdu close(LogicalChannel& channel);

  const Platform& platform_;
  LogicalChannels& channels_;
  Selector& selector_;
};

}  // namespace kagibin::se
