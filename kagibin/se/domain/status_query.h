// SPDX-License-Identifier: Apache-2.0
// GET STATUS (GPCS 11.4), in any open session: what the registry holds, in order of AIDs, in pages
// of 239 octets (wrapped with every protection they fit into 256) with 6310 while more follows.
//
// A domain sees itself and what is associated with it, directly or not, load files too; with the
// Global Registry privilege, as the ISD has it, everything. 6A88 when nothing matches; P2 b1 (next)
// without a page before it, or with another question: 6985.
#pragma once

#include "kagibin/se/domain/domain_command.h"

namespace kagibin::se {

apdu::ResponseApdu process_get_status(const DomainCommand& command);

}  // namespace kagibin::se
