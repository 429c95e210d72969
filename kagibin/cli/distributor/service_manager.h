// SPDX-License-Identifier: Apache-2.0
// Tells the service manager how this process is (systemd's sd_notify(3), Type=notify): READY=1,
// STOPPING=1, and WATCHDOG=1 while both threads of the service are alive.
//
// One datagram to the socket that $NOTIFY_SOCKET names (a path, or @ and an abstract name); without
// one, nothing is done. Nothing that fails here stops the service. Thread-safety: each function
// from one thread.
//
//   ServiceManager manager = ServiceManager::from_environment();
//   manager.ready();
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace kagibin::cli {

class ServiceManager {
 public:
  struct Settings {
    std::string socket{};                  // empty: nobody is to be told
    std::chrono::microseconds watchdog{};  // 0: nobody watches
  };
  // $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID.
  static Settings environment();
  explicit ServiceManager(Settings settings) : settings_(std::move(settings)) {}

  void ready() { tell("READY=1"); }
  void stopping() { tell("STOPPING=1"); }
  // The watchdog hears of it when the other thread was alive within half its time, too.
  void server_is_alive();
  void handler_is_alive();

 private:
  using Clock = std::chrono::steady_clock;
  void tell(std::string_view what) const;

  Settings settings_;
  std::atomic<Clock::rep> handler_seen_{Clock::now().time_since_epoch().count()};
  Clock::time_point told_{};
};

}  // namespace kagibin::cli
