// SPDX-License-Identifier: Apache-2.0
// kagibin gp put-key, store-data and store-certificates. Each returns the exit code.
#pragma once

#include "kagibin/cli/gp/card_access.h"

namespace kagibin::cli {

int put_key(const GpOptions& options, Console& console);
int store_data(const GpOptions& options, Console& console);
int store_certificates(const GpOptions& options, Console& console);

}  // namespace kagibin::cli
