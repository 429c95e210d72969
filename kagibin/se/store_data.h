// SPDX-License-Identifier: Apache-2.0
// STORE DATA (GPCS 11.11) to a security domain, in a session with C-MAC: for itself, or for the
// application that INSTALL [for personalization] named, up to the last block (b8 of P1) or the next
// other command.
//
// Blocks count from 00 (6A86 for a gap). One block is one transaction, an application's changes
// included. Encrypted data (P1 b7 b6 = 11) is decrypted under Key-DEK before an application sees
// it: the value of each data grouping where P1 says that there are any, else the whole field; whole
// blocks of 16 octets, CBC, IV zero. Padding belongs to the value and is the application's.
// For itself a domain takes BER-TLV objects, or grouping 0070 with them, not encrypted: 42, 45, CF,
// 5F50 (6A88 for others). An empty value takes the object away.
#pragma once

#include "kagibin/se/domain_command.h"

namespace kagibin::se {

apdu::ResponseApdu process_store_data(const DomainCommand& command);

}  // namespace kagibin::se
