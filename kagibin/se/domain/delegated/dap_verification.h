// SPDX-License-Identifier: Apache-2.0
// DAP blocks of a load file (GPCS 2.3.1, 9.2.1, C.3): verified with key 73/01 of the security
// domain that each names, which has DAP Verification: RSA or EC public, AES, or 3DES. For se/ only.
//
//   KB_TRY(verify_dap_blocks(platform, due, file.dap_blocks(), request.hash));
#pragma once

#include <vector>

#include "kagibin/gp/content/load.h"
#include "kagibin/se/open/platform.h"

namespace kagibin::se {

// `due`: the domains whose block must be there. Every block that is there must be right, due or
// not. `hash` is the load file data block hash of INSTALL [for load], which was compared with the
// data block. kAuthentication: a block is wrong, or one that is due is missing; kPolicy: a block
// names what is no domain with DAP Verification, or the domain is locked or has no such key.
Result<void> verify_dap_blocks(const Platform& platform,
                               const std::vector<RegistryEntry>& due,
                               const std::vector<gp::DapBlock>& blocks,
                               ByteView hash);

}  // namespace kagibin::se
