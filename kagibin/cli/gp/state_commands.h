// SPDX-License-Identifier: Apache-2.0
// kagibin gp set-status, lock and unlock: life-cycle states of the card, of applications and of
// security domains (GPCS 5.1 to 5.3, 11.10). Each returns an exit code (console.h) and prints its
// own result or failure.
//
// A transition of the card that is none is refused before anything is sent, and one that nothing
// undoes wants a word of its own: --no-way-back to INITIALIZED and SECURED,
// --yes-terminate-this-card to TERMINATED; --force stands for neither.
#pragma once

#include "kagibin/cli/gp/card_access.h"

namespace kagibin::cli {

int set_status(const GpOptions& options, Console& console);
int set_locked(const GpOptions& options, Console& console, bool locked);

}  // namespace kagibin::cli
