// SPDX-License-Identifier: Apache-2.0
// Brings a load file onto a card: INSTALL [for load], then LOAD in as many blocks as the session
// needs (GPCS 2.3.1, 9.3.5, 11.5.2.3.1 and 11.6).
//
// Limits: 65,535 octets of load file data block, 256 blocks (P2 counts them in one octet).
//
//   const Bytes confirmation = KB_TRY(load_content(port, plan, [](auto done, auto all) { ... }));
#pragma once

#include <functional>
#include <vector>

#include "kagibin/gp/content/install_load.h"
#include "kagibin/gp/content/load.h"
#include "kagibin/roles/security_module_manager/card/command_port.h"

namespace kagibin::roles::security_module_manager {

struct LoadPlan {
  gp::InstallForLoad announcement;
  std::vector<gp::DapBlock> dap_blocks{};
  ByteView data_block{};            // outlives the call
  std::size_t longest_block = 255;  // fewer when the session leaves less
};

using LoadProgress = std::function<void(std::size_t blocks_done, std::size_t blocks)>;

// The answer to the last LOAD: 00, or a confirmation with a receipt. kLimit for more blocks than
// can be counted; kCardStatus with the card's word.
Result<Bytes> load_content(CommandPort& port, const LoadPlan& plan, const LoadProgress& progress);

}  // namespace kagibin::roles::security_module_manager
