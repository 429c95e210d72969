// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/waiting/stop_signals.h"

#include <csignal>
#include <functional>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace kagibin::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Runs `work` in a child that is alone with its signals; the child's wait status.
int status_of(const std::function<bool()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(work() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

TEST(StopSignalsTest, ASignalEndsAPauseAndAnotherOneTheProcess) {
  for (const int number : {SIGINT, SIGTERM}) {
    EXPECT_EQ(status_of([number] {
                StopSignals signals;
                const auto begin = std::chrono::steady_clock::now();
                if (!signals.pause(milliseconds(10)) || signals.requested()) {
                  return false;
                }
                kill(getpid(), number);
                const bool went_on = signals.pause(seconds(30));
                return !went_on && signals.requested() && signals.token().stop_requested() &&
                       !signals.pause(seconds(30)) &&
                       std::chrono::steady_clock::now() - begin < seconds(1);
              }),
              0)
        << number;
    const int status = status_of([number] {
      StopSignals signals;
      kill(getpid(), number);
      while (signals.pause(milliseconds(10))) {
      }
      std::this_thread::sleep_for(milliseconds(100));
      kill(getpid(), number);
      std::this_thread::sleep_for(seconds(10));
      return true;
    });
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == number) << status;
  }
}

TEST(StopSignalsTest, GoesQuietlyWithoutASignal) {
  EXPECT_EQ(status_of([] {
              for (int i = 0; i < 100; ++i) {
                const StopSignals signals;
              }
              return true;
            }),
            0);
}

}  // namespace
}  // namespace kagibin::cli
