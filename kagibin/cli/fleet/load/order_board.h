// SPDX-License-Identifier: Apache-2.0
// Where every order of a run stands, as its provider sees it, and when: for the live view, the
// report, and the end of the run. One order a device; both have the same number.
//
// Times are seconds after the start of the load. Thread-safety: any threads.
//
//   OrderBoard board(count, count);
//   board.opened(7, due);
//   board.moved(7, delivery::State::kConfirmed, 1, now);
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "kagibin/delivery/names.h"
#include "kagibin/delivery/order_state.h"

namespace kagibin::cli::fleet {

// Seconds since it was made.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

struct OrderTimes {
  double due = 0;
  double verdict = -1;  // when the operator had the last verdict; before 0: not yet
  delivery::State state = delivery::State::kOrdered;
  delivery::AttemptNumber attempts = 0;
  bool is_open = false;  // it was ordered
};

class OrderBoard {
 public:
  // `counted` of them are the load; those behind are placed one at a time, to measure.
  OrderBoard(std::uint32_t count, std::uint32_t counted) : orders_(count), counted_(counted) {}

  void opened(std::uint32_t number, double due);
  void moved(std::uint32_t number,
             delivery::State state,
             delivery::AttemptNumber attempt,
             double now);
  // The operator has taken a verdict.
  void verdict_taken(std::uint32_t number, double now);
  void trouble(std::string sentence);

  struct Count {
    std::uint32_t opened = 0;
    std::uint32_t ended = 0;
    std::uint32_t confirmed = 0;
    double last_news = 0;
    std::uint64_t troubles = 0;
  };
  Count count() const;
  OrderTimes of(std::uint32_t number) const;
  bool has_ended(std::uint32_t number) const { return delivery::is_final(of(number).state); }
  // Those that are counted.
  std::vector<OrderTimes> all() const;
  // The first of them, for the report.
  std::vector<std::string> troubles() const;
  // Seconds from due to verdict of orders that are confirmed, rising.
  std::vector<double> latencies() const;

 private:
  static constexpr std::size_t kKeptTroubles = 20;

  mutable std::mutex mutex_;
  std::vector<OrderTimes> orders_;
  std::uint32_t counted_;
  Count count_;
  std::vector<std::string> troubles_;
};

// The value below which this share of rising values lies; 0 where there is none.
double quantile(const std::vector<double>& rising, double share);

}  // namespace kagibin::cli::fleet
