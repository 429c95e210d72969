// SPDX-License-Identifier: Apache-2.0
// GENERATE KEY (scp/scp11/key_generation.h) in a security domain: in a session with C-MAC of the
// domain's own provider, under the rules of PUT KEY: 6A88 for a key to replace that is not there,
// 6A80 for one to add that is. Not in SCP11c (6985): it would make another key each time it is
// sent.
#pragma once

#include "kagibin/se/domain/domain_command.h"

namespace kagibin::se {

apdu::ResponseApdu generate_key(const DomainCommand& command);

}  // namespace kagibin::se
