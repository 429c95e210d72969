// SPDX-License-Identifier: Apache-2.0
// What GET DATA tells of the card beside a domain's own objects, made when it is asked for. For se/
// only.
//
//   67     card capability information (GPCS H.4), with the protocols of the domain asked
//   C1     sequence counter of the default key version: of the first set that INITIALIZE UPDATE
//          with P1 = 00 takes, as its next session will use it; three octets, two of an SCP02 set.
//          Challenges drawn at random (i of SCP03 without b5) count nothing
//   C2     confirmation counter (C.5), as the next receipt will carry it; two octets
//   FF21   extended card resources information (ETSI TS 102 226, 8.2.1.7.2), as hosts read it:
//          81 02 applications and domains but the ISD | 82 04 free non-volatile octets
//          | 83 04 free volatile octets (open/content/memory.h)
//   2F00   the list of applications: 61 { 4F AID } each, without a tag around it, since 2F00 is the
//          name of a file (EF.DIR) and no tag
#pragma once

#include "kagibin/se/domain/domain_command.h"

namespace kagibin::se {

Bytes card_capability(const RegistryEntry& domain);
// Empty without a complete key set of the domain's own.
Bytes sequence_counter(const KeyStore& keys, const Aid& domain);
// Empty for a domain without the Receipt Generation privilege.
Bytes confirmation_counter(const KeyStore& keys, const RegistryEntry& domain);
// Empty for a domain that neither is the ISD nor has Global Registry: it would tell it what others
// install.
Bytes card_resources(const Platform& platform, const RegistryEntry& domain);
// What the domain sees by GET STATUS: itself and what is associated with it; with Global Registry
// everything.
Bytes list_of_applications(const Platform& platform, const RegistryEntry& domain);

}  // namespace kagibin::se
