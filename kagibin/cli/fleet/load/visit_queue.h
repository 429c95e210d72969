// SPDX-License-Identifier: Apache-2.0
// Devices that are to visit the distributor: whoever has work for one calls it, and a thread that
// is free plays it. A device that is called while it visits comes again afterwards; it never visits
// twice at a time. Thread-safety: any threads.
//
//   queue.call(7);
//   while (const auto number = queue.next()) { visit(*number); queue.done(*number); }
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

namespace kagibin::cli::fleet {

class VisitQueue {
 public:
  explicit VisitQueue(std::uint32_t count) : states_(count, State::kIdle) {}

  void call(std::uint32_t number) {
    {
      const std::lock_guard lock(mutex_);
      State& state = states_.at(number);
      if (state == State::kIdle) {
        state = State::kQueued;
        queue_.push_back(number);
      } else if (state == State::kVisiting) {
        state = State::kVisitingAndCalled;
      }
    }
    called_.notify_one();
  }
  // Waits; empty after stop().
  std::optional<std::uint32_t> next() {
    std::unique_lock lock(mutex_);
    called_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
    if (stopped_) {
      return std::nullopt;
    }
    const std::uint32_t number = queue_.front();
    queue_.pop_front();
    states_.at(number) = State::kVisiting;
    return number;
  }
  void done(std::uint32_t number) {
    const std::lock_guard lock(mutex_);
    State& state = states_.at(number);
    if (state == State::kVisitingAndCalled) {
      state = State::kQueued;
      queue_.push_back(number);
      called_.notify_one();
    } else {
      state = State::kIdle;
    }
  }
  bool is_idle(std::uint32_t number) const {
    const std::lock_guard lock(mutex_);
    return states_.at(number) == State::kIdle;
  }
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    called_.notify_all();
  }

 private:
  enum class State : std::uint8_t { kIdle, kQueued, kVisiting, kVisitingAndCalled };

  mutable std::mutex mutex_;
  std::condition_variable called_;
  std::deque<std::uint32_t> queue_;
  std::vector<State> states_;
  bool stopped_ = false;
};

}  // namespace kagibin::cli::fleet
