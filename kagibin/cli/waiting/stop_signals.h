// SPDX-License-Identifier: Apache-2.0
// SIGINT and SIGTERM as a request to end: a token that every wait of the program looks at, and a
// pause that it cuts short.
//
// One thread of its own takes the signals; they are blocked in the thread that makes this and in
// all that are made later. A second signal ends the process as it would without us. Make one,
// before any other thread. Thread-safety: token(), requested() and pause() from any thread.
//
//   cli::StopSignals signals;
//   const auto http = KB_TRY(transport.connect({.stop = signals.token()}));
//   while (!signals.requested()) { ...; signals.pause(std::chrono::seconds(5)); }
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

namespace kagibin::cli {

class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

  std::stop_token token() const { return source_.get_token(); }
  bool requested() const { return source_.stop_requested(); }
  // False when the program was asked to end, at once then.
  bool pause(std::chrono::milliseconds time);

 private:
  void take_signals();

  std::stop_source source_;
  std::mutex mutex_;
  std::condition_variable_any asked_;
  bool gone_ = false;
  std::thread thread_;
};

}  // namespace kagibin::cli
