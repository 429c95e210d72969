// SPDX-License-Identifier: Apache-2.0
// kagibin gp list, info, lock, unlock, apdu: what concerns the card as a whole. Each returns the
// exit code.
#pragma once

#include "kagibin/cli/gp/card_access.h"

namespace kagibin::cli {

int list_card(const GpOptions& options, Console& console);
int show_card(const GpOptions& options, Console& console);
int send_commands(const GpOptions& options, Console& console);

}  // namespace kagibin::cli
