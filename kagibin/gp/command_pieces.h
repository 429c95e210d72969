// SPDX-License-Identifier: Apache-2.0
// Commands in several APDUs, the host's side: PUT KEY, INSTALL and DELETE say with b8 of P1 that
// more follow (GPCS 2.3.1, 11.2.2.1, 11.5.2.1, 11.8.2.1). Secure messaging covers the command as a
// whole: it is wrapped first and cut afterwards. The card's side is se/domain/content.
//
//   for (const apdu::CommandApdu& piece : cut_into_pieces(wrapped)) { ... }
#pragma once

#include <vector>

#include "kagibin/apdu/apdu.h"

namespace kagibin::gp {

// The pieces of a command whose data are longer than 255 octets, each but the last full, without
// Le, and answered 9000; the command alone when its data are short or it is of another kind.
std::vector<apdu::CommandApdu> cut_into_pieces(const apdu::CommandApdu& command);

}  // namespace kagibin::gp
