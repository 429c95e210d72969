// SPDX-License-Identifier: Apache-2.0
// INSTALL [for extradition] and [for registry update] (GPCS 11.5.2.3.4, 11.5.2.3.5, 9.4), after the
// checks of content_commands.h.
//
// Extradited are applications, security domains with what is associated with them, and load files.
// The domain that asks is the one they are associated with, or above it; that domain lets them go
// and the new one takes them (open/content/authority.h); the new one is selectable and not inside
// what moves. A domain with Authorized Management may be extradited to itself and is then on top of
// its own hierarchy. What is selected on a logical channel does not move, and the ISD never.
//
// A registry update gives an application other privileges (open/content/privilege_rules.h), an
// implicit selection or memory (EF), and extradites it when it names a domain. Without an
// application (what is said of the card) it is refused (6A80).
#pragma once

#include "kagibin/se/domain/domain_command.h"

namespace kagibin::se {

apdu::ResponseApdu extradite(const DomainCommand& command);
apdu::ResponseApdu update_registry(const DomainCommand& command);

}  // namespace kagibin::se
