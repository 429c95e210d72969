// SPDX-License-Identifier: Apache-2.0
// GET DATA (GPCS 11.3): what a security domain tells, each as one TLV.
//
//   0042, 0045   IIN and CIN           0066   card data (Card Recognition Data)
//   00CF         key derivation data   00E0   key information template
//   9F7F         CPLC (ISD)            5F50   URL of the domain's manager
//   5F20         its provider, as certificates name it (scp11/key_store_domain.h)
//   0067, 00C1, 00C2, 2F00, FF21       data/card_information.h
//   BF21, 0083, FF33, FF34             scp11/domain_data_commands.h
//
// In every state of the card and without a session, but for 2F00: what GET STATUS tells to those
// who authenticated themselves, it does not tell to others. 66, 67, E0, C1, C2, FF21 and CF are
// made from the registry, the keys and the memory, CF from the profile until STORE DATA puts
// another. The others are records "dat/<AID>/<tag>" that the profile or STORE DATA made; one that
// is not there answers 6A88.
#pragma once

#include "kagibin/se/domain/domain_command.h"

namespace kagibin::se {

apdu::ResponseApdu get_data(const DomainCommand& command);

// Tags that STORE DATA to the domain itself may set.
bool is_storable(std::uint16_t tag);
// Value of a data object that was stored; empty without one.
Bytes data_object(const Nvm& nvm, const Aid& domain, std::uint16_t tag);
// Stores the value of a data object; an empty value takes it away.
Result<void> put_data_object(Nvm& nvm, const Aid& domain, std::uint16_t tag, ByteView value);
Result<void> erase_data_objects(Nvm& nvm, const Aid& domain);

// 66 { 73 { ... } } for a security domain that speaks these protocols (GPCS H.2).
Bytes card_data(const std::vector<gp::ChannelProtocol>& protocols);
// What goes into A5 of the answer to SELECT of such a domain (GPCS 11.9.3.1, H.3): 73 as in 66, and
// 9F65, the longest data field of a command in short form.
Bytes selection_data(const std::vector<gp::ChannelProtocol>& protocols);
Bytes key_information(const KeyStore& keys, const Aid& domain);

}  // namespace kagibin::se
