// SPDX-License-Identifier: Apache-2.0
// What kagibin gp lists of a card: lines for people, one object an entry with --json.
#pragma once

#include "kagibin/cli/console/console.h"
#include "kagibin/roles/security_module_manager/card/registry_listing.h"

namespace kagibin::cli {

// A table, or one object an entry.
void print_listing(Console& console,
                   const roles::security_module_manager::RegistryListing& listing);

// "SELECTABLE", "LOCKED (SELECTABLE)", "OP_READY": of what kind of entry it is.
enum class EntryKind : std::uint8_t { kIssuerDomain, kDomain, kApplication, kLoadFile };
std::string state_name(EntryKind kind, std::uint8_t state);

}  // namespace kagibin::cli
