// SPDX-License-Identifier: Apache-2.0
// Which secure channel protocols a security domain speaks: what the profile gives the ISD, and what
// INSTALL asks for a supplementary domain. A domain's registry entry carries the list; card
// recognition data (GPCS H.2) tells it.
#pragma once

#include <vector>

#include "kagibin/gp/card_data.h"
#include "kagibin/se/profile.h"

namespace kagibin::se {

// Of the ISD.
std::vector<gp::ChannelProtocol> protocols_of(const ElementProfile& profile);

// C9 of a security domain: 81 02 = SCP identifier and i (GPCS 11.5.2.3.7), once a protocol, nothing
// else. Without one it speaks what its own domain speaks. kInvalidArgument for what no domain here
// speaks.
Result<std::vector<gp::ChannelProtocol>> protocols_of(
    ByteView parameters, const std::vector<gp::ChannelProtocol>& of_parent);

}  // namespace kagibin::se
