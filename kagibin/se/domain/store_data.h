// SPDX-License-Identifier: Apache-2.0
// STORE DATA (GPCS 11.11) to a security domain, in a session with C-MAC: for itself, or for the
// application that INSTALL [for personalization] named, up to the last block (b8 of P1) or the next
// other command.
//
// Blocks count from 00 (6A86 for a gap); 00 starts anew at any time. One block is one transaction,
// an application's changes included. An application gets the block as it was inside secure
// messaging; what P1 (b7 b6) says is encrypted it decrypts itself, by its secure channel service,
// as on a Java Card. Its answer leaves when b1 of P1 asks for one.
//
// For itself a domain takes BER-TLV objects, or grouping 0070 with them: 42, 45, CF, 5F20, 5F50
// (6A88 for others). P1 b7 b6 = 11: the value of each object, or of the grouping, is encrypted
// under the session's Key-DEK, padded or not; 01 is for applications (6A80). An empty value takes
// the object away. Certificates and lists for SCP11: scp11/domain_data_commands.h.
#pragma once

#include "kagibin/se/domain/domain_command.h"

namespace kagibin::se {

apdu::ResponseApdu process_store_data(const DomainCommand& command);

}  // namespace kagibin::se
