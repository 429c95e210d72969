// SPDX-License-Identifier: Apache-2.0
// INSTALL (GPCS 11.5) and DELETE (GPCS 11.2), in a session with C-MAC.
//
// Rules that the specifications leave to the element:
// - INSTALL [for install] and DELETE of objects need content management in the domain's own right:
//   the ISD, or the Authorized Management privilege (6985). What is installed is associated with
//   the domain that installs it. Tokens are refused (6A80), extradition and load too (6A86).
// - An AID that is in use: 6985. Privileges given: Security Domain (with the security domain
// module),
//   Trusted Path, Authorized Management; any other: 6A80.
// - INSTALL [for personalization] is for applications associated with this domain (6985).
// - DELETE takes applications and domains, of an SSD only its own; not the ISD, a domain with
//   others in it, one that is selected on a channel, or a built-in load file (6985).
// Answers: 00 (no confirmation).
#pragma once

#include "kagibin/se/domain/domain_command.h"

namespace kagibin::se {

apdu::ResponseApdu process_install(const DomainCommand& command);
apdu::ResponseApdu process_delete(const DomainCommand& command);

}  // namespace kagibin::se
