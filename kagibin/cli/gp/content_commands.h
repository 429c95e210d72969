// SPDX-License-Identifier: Apache-2.0
// kagibin gp install and delete: the content of a card, by whoever manages it or under tokens. Each
// returns the exit code.
#pragma once

#include "kagibin/cli/gp/card_access.h"

namespace kagibin::cli {

int install_content(const GpOptions& options, Console& console);
int delete_content(const GpOptions& options, Console& console);

}  // namespace kagibin::cli
