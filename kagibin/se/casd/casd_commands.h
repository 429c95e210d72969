// SPDX-License-Identifier: Apache-2.0
// What a CASD does without a session, for anybody:
//
//   00/80 CA 7F 21          its certificates: CERT.CASD.ECKA, CERT.CASD.AUT (7F21 each)
//   80 CA 00 E5             81 01 06|07 | 82 10 name -> a certification request E5 of that key
//                           (pki/certification_request.h), which proves that the element has it
//   80 E2 90 00             7F21 ...: takes a certificate of one of its own keys by the controlling
//                           authority; another than that is 6A80, an older one than it has 6985
//   80 1C 00 00             a statement of the authority, as a KDA takes it
//   (kda/authority_statement.h):
//                           minEpoch; 6A80 for one that it did not sign, 6985 for an older one
//   00 2A 9E 9A             4F AID | 9A challenge -> what code that application runs, signed
//                           (gp/confidential/authority_signature.h)
//
// A certificate or a statement needs no session, for it proves itself, and a CASD has nobody who
// could open one. Amendment A tells 7F21 and the signature service; the rest is ours. For se/ only.
#pragma once

#include <optional>

#include "kagibin/se/domain/domain_command.h"

namespace kagibin::se {

// Empty for a command that is not one of those.
std::optional<apdu::ResponseApdu> casd_command(Platform& platform,
                                               const apdu::CommandApdu& command);

}  // namespace kagibin::se
