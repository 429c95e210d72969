// SPDX-License-Identifier: Apache-2.0
// INSTALL (GPCS 11.5) and DELETE (GPCS 11.2), in a session with C-MAC: which purpose a command has,
// and no more. What they do stands in content/.
//
//   P1 02          load                  content/sequences/load_commands.h
//   P1 P2 0E 01    the same, of a combined load
//   P1 04, 08, 0C  install, make selectable, both       content/install_commands.h
//   P1 P2 0E 03    the end of a combined load
//   P1 10, 40      extradition, registry update         content/extradition_commands.h
//   P1 20          personalization       content/sequences/personalization.h
//
// Rules that the specifications leave to the element:
// - Content is managed by a domain with Authorized Management, or Delegated Management and a token
//   (content/management.h); others: 6985. A token where none is needed: 6A80.
// - An AID that is in use: 6985. Privileges: open/content/privilege_rules.h.
// - INSTALL [for personalization] is for applications and security domains associated with this
//   domain (6985).
// Answers: 00 (no confirmation), or a receipt.
#pragma once

#include "kagibin/se/domain/domain_command.h"

namespace kagibin::se {

apdu::ResponseApdu process_install(const DomainCommand& command);
apdu::ResponseApdu process_delete(const DomainCommand& command);

// INSTALL (0E 03), which may follow the LOAD commands of a combined load.
bool ends_combined_load(std::uint8_t instruction, std::uint8_t p1, std::uint8_t p2);

}  // namespace kagibin::se
