// SPDX-License-Identifier: Apache-2.0
// Carries one visit of a service provider to his domain in a card: listens on TCP as a card would
// and hands the commands on (roles/security_module_manager/card/carried_domain.h). Ends when the
// provider goes away, or on SIGINT and SIGTERM.
#pragma once

#include <string>

#include "kagibin/cli/console/console.h"
#include "kagibin/roles/security_module_manager/card/carried_domain.h"

namespace kagibin::cli {

// Commands of the provider that the card took. kTimeout is not an error here: it waits as long as
// it takes. kCardStatus or kAuthentication when the domain opened no session; kInterrupted when the
// program was asked to end before anybody came.
Result<int> carry(roles::security_module_manager::CarriedDomain& domain,
                  const std::string& listen,
                  Console& console);

}  // namespace kagibin::cli
