// SPDX-License-Identifier: Apache-2.0
// Which secure channel protocols a security domain speaks: what the profile gives the ISD, and what
// INSTALL asks for a supplementary domain. A domain's registry entry carries the list; card
// recognition data (GPCS H.2) tells it.
#pragma once

#include <vector>

#include "kagibin/gp/card_data.h"
#include "kagibin/se/profile.h"

namespace kagibin::se {

// Why SCP02 is off unless the profile turns it on.
inline constexpr Detail kScp02IsOff =
    "SCP02 is off on this element: its encryption falls to a published padding-oracle attack "
    "(Avoine and Ferreira, CHES 2018) and GPCS 2.3.1 deprecates it (appendix E). Use SCP03, or set "
    "scp02 in the profile";

// Of the ISD, that of its first key set at the head: hosts that name no key version take the first
// they know, and end when INITIALIZE UPDATE answers another.
std::vector<gp::ChannelProtocol> protocols_of(const ElementProfile& profile);

// C9 of a security domain: 81 02 = SCP identifier and i (GPCS 11.5.2.3.7), once a protocol, nothing
// else. Without one it speaks what its own domain speaks. 02 00 is SCP02 as its own domain speaks
// it: 00 is no i of SCP02, and hosts send it that have a session of SCP02 and know no i.
// kInvalidArgument for what no domain here speaks; kPolicy for SCP02 unless its own domain speaks
// that.
Result<std::vector<gp::ChannelProtocol>> protocols_of(
    ByteView parameters, const std::vector<gp::ChannelProtocol>& of_parent);

}  // namespace kagibin::se
