// SPDX-License-Identifier: Apache-2.0
// The whole registry of a card by GET STATUS (GPCS 2.3.1, 11.4): ISD, applications and security
// domains, load files with their modules, over as many answers as it takes.
//
// Cards differ: a tag list (5C) is asked with first, then without, then in the older format; load
// files without modules where the card does not list modules. Nothing found (6A88) is an empty
// list.
#pragma once

#include <vector>

#include "kagibin/gp/registry/get_status.h"
#include "kagibin/roles/security_module_manager/card/command_port.h"

namespace kagibin::roles::security_module_manager {

struct RegistryListing {
  std::vector<gp::StatusEntry> issuer_domain{};
  std::vector<gp::StatusEntry> applications{};  // and security domains
  std::vector<gp::StatusEntry> load_files{};
};

// kCardStatus with the card's word; kLimit when an answer does not end.
Result<RegistryListing> list_registry(CommandPort& port);

}  // namespace kagibin::roles::security_module_manager
