// SPDX-License-Identifier: Apache-2.0
// What a security domain keeps for SCP11, by STORE DATA and GET DATA (Amendment F v1.3, 7.2 to 7.4
// and 7.8 to 7.10; the objects stand in scp/scp11/domain_data.h).
//
// STORE DATA whose first block begins with A6 is of these: the blocks are put together up to the
// last one, which stores them; their cuts may lie anywhere. 6A88 for a key that is not there: a
// certificate store is of a key pair, an allow list and the identifier of a CA-KLOC of a CA key. In
// a session that can be sent again (SCP11c) an allow list has a counter that is higher than the one
// before (6985), in others it has none (6A80). GET DATA is answered in and out of sessions.
#pragma once

#include "kagibin/se/domain/domain_command.h"

namespace kagibin::se {

// BF21, 0083, FF33, FF34.
bool is_certificate_data(std::uint16_t tag);
apdu::ResponseApdu get_certificate_data(const DomainCommand& command);

// Whether this block begins or goes on with such data. `first`: block 00.
bool is_certificate_block(const DomainCommand& command, bool first);
apdu::ResponseApdu store_certificate_block(const DomainCommand& command, bool first, bool last);

}  // namespace kagibin::se
