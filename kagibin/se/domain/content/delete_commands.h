// SPDX-License-Identifier: Apache-2.0
// DELETE of applications, security domains and load files (GPCS 11.2, 9.5), after the checks of
// content_commands.h.
//
// A domain deletes what is associated with it, directly or indirectly, in its own right or by a
// token, when the associated domain takes that (83 of its parameters); with Global Delete it
// deletes anything. What is in use stays (6985): the ISD, the domain that is asked, what is
// selected on a logical channel, a domain with others or load files in it, a built-in load file,
// one with instances, one that another imports. P2 80 takes a load file with every application and
// domain made from it, all or none; for anything else it is as 00. Unknown: 6A88.
#pragma once

#include "kagibin/gp/content/delete.h"
#include "kagibin/se/domain/domain_command.h"

namespace kagibin::se {

apdu::ResponseApdu delete_object(const DomainCommand& command, const gp::DeleteObject& which);

}  // namespace kagibin::se
