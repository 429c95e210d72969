// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/waiting/stop_signals.h"

#include <signal.h>

namespace kagibin::cli {
namespace {

// The one by which the destructor wakes the thread; nobody else sends it here.
constexpr int kWake = SIGURG;

sigset_t stopping() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

StopSignals::StopSignals() {
  sigset_t set = stopping();
  sigaddset(&set, kWake);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::thread([this] { take_signals(); });
}

StopSignals::~StopSignals() {
  {
    const std::lock_guard lock(mutex_);
    gone_ = true;
  }
  asked_.notify_all();
  pthread_kill(thread_.native_handle(), kWake);
  thread_.join();
}

void StopSignals::take_signals() {
  sigset_t awaited = stopping();
  sigaddset(&awaited, kWake);
  int number = 0;
  sigwait(&awaited, &number);
  if (number == kWake) {
    return;
  }
  source_.request_stop();
  const sigset_t again = stopping();
  pthread_sigmask(SIG_UNBLOCK, &again, nullptr);
  std::unique_lock lock(mutex_);
  asked_.wait(lock, [this] { return gone_; });
}

bool StopSignals::pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  asked_.wait_for(lock, token(), time, [] { return false; });
  return !requested();
}

}  // namespace kagibin::cli
