// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/se/interrupts.h"

#include <signal.h>

namespace kagibin::cli {

namespace {

const link::StopSignal* stop_signal = nullptr;
void on_signal(int /*number*/) { stop_signal->raise(); }

}  // namespace

void raise_on_signals(const link::StopSignal& stop) {
  stop_signal = &stop;
  struct sigaction action{};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace kagibin::cli
