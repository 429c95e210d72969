// SPDX-License-Identifier: Apache-2.0
// INSTALL [for load] and LOAD (GPCS 11.5.2.3.1, 11.6, 9.3.5), in a session with C-MAC.
//
//   80 E6 02 00        announces; 80 E6 0E 01 of a combined load (GPCS 9.3.8)
//   80 E8 00 n         blocks n = 00, 01, ... of up to 65,535 octets, 256 of them at most
//   80 E8 80 n         the last: the load file is checked and registered, all of it or nothing
//
// Checked, in this order: the right of the domain (its own, or a token); that the AIDs are free;
// memory (C6, C8, C7). Of the blocks: the right and the domain once more, as another logical
// channel may have taken them away (standing.h); their order and structure (gp/content/load.h). At
// the end: the load file data block hash, required with a token or a DAP block; every DAP block,
// and that none is missing of a domain with Mandated DAP Verification or of the load file's own
// domain when it has DAP Verification; that the data block is a CAP file whose package has the
// announced AID (gp/content/cap_file.h).
//
// Status words: 6985 LOAD without INSTALL [for load], an AID in use, or a right that is gone; 6A86
// a block out of order; 6A80 structure, hash, DAP, CAP file; 6A84 memory. A refused LOAD ends the
// load.
#pragma once

#include "kagibin/se/domain/content/management.h"
#include "kagibin/se/domain/domain_command.h"

namespace kagibin::se {

apdu::ResponseApdu begin_load(const DomainCommand& command);
apdu::ResponseApdu process_load(const DomainCommand& command);

// The right to load, as it stands now. Failures of management.h and standing.h.
Result<Right> right_to_go_on(const DomainCommand& command, const LoadSession& load);

// The load file into the registry: inside a transaction. Failures as above.
Result<void> register_load_file(Platform& platform, const LoadSession& load);

}  // namespace kagibin::se
