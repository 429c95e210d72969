// SPDX-License-Identifier: Apache-2.0
// kagibin gp put-key and store-data. Each returns the exit code.
#pragma once

#include "kagibin/cli/gp/card_access.h"

namespace kagibin::cli {

int put_key(const GpOptions& options, Console& console);
int store_data(const GpOptions& options, Console& console);

}  // namespace kagibin::cli
