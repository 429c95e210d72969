// SPDX-License-Identifier: Apache-2.0
// STORE DATA in as many blocks as it takes, to the domain itself or, after INSTALL [for
// personalization], through it to one of its applications (GPCS 2.3.1, 7.3.3, 11.5.2.3.6, 11.11).
//
// Data groupings (DGI) are kept whole where they fit into a block; other data are cut anywhere.
// Limits: 256 blocks.
#pragma once

#include <optional>

#include "kagibin/base/aid.h"
#include "kagibin/gp/store_data.h"
#include "kagibin/roles/security_module_manager/card/command_port.h"

namespace kagibin::roles::security_module_manager {

struct StorePlan {
  std::optional<Aid> application{};
  gp::StoreEncryption encryption = gp::StoreEncryption::kNone;
  gp::StoreStructure structure = gp::StoreStructure::kNone;
  ByteView data{};  // outlives the call
};

// How many blocks were sent. kLimit; kTruncated and kEncoding for data that are no groupings
// although the plan says so; kCardStatus with the card's word.
Result<std::size_t> store_data(CommandPort& port, const StorePlan& plan);

}  // namespace kagibin::roles::security_module_manager
