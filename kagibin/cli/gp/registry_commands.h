// SPDX-License-Identifier: Apache-2.0
// kagibin gp make-selectable, extradite and update-registry: INSTALL of the purposes that bring
// nothing onto the card (GPCS 11.5.2.3.3 to 11.5.2.3.5). Each returns the exit code.
#pragma once

#include "kagibin/cli/gp/card_access.h"

namespace kagibin::cli {

int make_selectable(const GpOptions& options, Console& console);
int extradite(const GpOptions& options, Console& console);
int update_registry(const GpOptions& options, Console& console);

}  // namespace kagibin::cli
