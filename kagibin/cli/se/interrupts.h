// SPDX-License-Identifier: Apache-2.0
// SIGINT and SIGTERM raise a StopSignal, once, for the whole process.
//
//   const link::StopSignal stop;
//   raise_on_signals(stop);          // `stop` outlives every thread
#pragma once

#include "kagibin/link/socket.h"

namespace kagibin::cli {

void raise_on_signals(const link::StopSignal& stop);

}  // namespace kagibin::cli
