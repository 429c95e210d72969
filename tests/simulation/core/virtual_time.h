// SPDX-License-Identifier: Apache-2.0
// Time that passes only when nobody has anything left to do: events in the order of their moments,
// and of two at one moment the one that was planned first. Every role has a clock of its own on
// it, which may be wrong.
//
// Thread-safety: one thread.
//
//   VirtualTime time;
//   time.at(time.now() + kSecond, [&] { ... });
//   while (time.step()) {
//   }
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "kagibin/base/clock.h"

namespace kagibin::simulation {

using Moment = std::int64_t;  // microseconds since the beginning of the world
inline constexpr Moment kMillisecond = 1'000;
inline constexpr Moment kSecond = 1'000'000;
inline constexpr Moment kMinute = 60 * kSecond;
inline constexpr Moment kHour = 60 * kMinute;

inline constexpr std::int64_t kBeginningOfTheWorld = 1'790'000'000;  // 2026-09-21

class VirtualTime {
 public:
  Moment now() const { return now_; }
  void at(Moment when, std::function<void()> act) {
    events_.push({std::max(when, now_), planned_++, std::move(act)});
  }
  void after(Moment span, std::function<void()> act) { at(now_ + span, std::move(act)); }
  // The next event; false when there is none.
  bool step() {
    if (events_.empty()) {
      return false;
    }
    const std::function<void()> act = std::move(events_.top().act);
    now_ = events_.top().when;
    events_.pop();
    act();
    return true;
  }

 private:
  struct Event {
    Moment when;
    std::uint64_t number;
    mutable std::function<void()> act;  // taken out of the queue's top
    bool operator<(const Event& other) const {
      return std::pair(when, number) > std::pair(other.when, other.number);
    }
  };
  std::priority_queue<Event> events_;
  std::uint64_t planned_ = 0;
  Moment now_ = 0;
};

// One role's clock: right, ahead or behind, at 1970, or standing still.
class RoleClock final : public Clock {
 public:
  explicit RoleClock(const VirtualTime& time) : time_(time) {}
  std::int64_t now() const override {
    const std::int64_t right = kBeginningOfTheWorld + time_.now() / kSecond;
    if (stands_at_) {
      return *stands_at_;
    }
    return right + skew_seconds_;
  }
  std::int64_t uptime_ms() const override { return time_.now() / kMillisecond; }

  void set_right() {
    skew_seconds_ = 0;
    stands_at_.reset();
  }
  void jump(std::int64_t seconds) { skew_seconds_ += seconds; }
  void stand_still() { stands_at_ = now(); }
  // As after the loss of a battery: it goes on from there.
  void go_back_to_1970() {
    stands_at_.reset();
    skew_seconds_ = -(kBeginningOfTheWorld + time_.now() / kSecond);
  }

 private:
  const VirtualTime& time_;
  std::int64_t skew_seconds_ = 0;
  std::optional<std::int64_t> stands_at_;
};

}  // namespace kagibin::simulation
