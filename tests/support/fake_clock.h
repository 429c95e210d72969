// SPDX-License-Identifier: Apache-2.0
// A clock that stands until it is told to move. For tests only. Thread-safety: none.
//
//   FakeClock clock(1'800'000'000);
//   clock.advance_seconds(60);
#pragma once

#include <cstdint>

#include "kagibin/base/clock.h"

namespace kagibin::test {

class FakeClock final : public Clock {
 public:
  explicit FakeClock(std::int64_t now_seconds = 1'800'000'000) : now_seconds_(now_seconds) {}

  std::int64_t now() const override { return now_seconds_; }
  std::int64_t uptime_ms() const override { return uptime_ms_; }

  // Sets the wall clock, which may jump either way; the uptime stays.
  void set_now(std::int64_t now_seconds) { now_seconds_ = now_seconds; }
  // Lets time pass on both.
  void advance_seconds(std::int64_t seconds) {
    now_seconds_ += seconds;
    uptime_ms_ += seconds * 1000;
  }
  // Lets time pass on the uptime alone.
  void advance_uptime_ms(std::int64_t milliseconds) { uptime_ms_ += milliseconds; }

 private:
  std::int64_t now_seconds_;
  std::int64_t uptime_ms_ = 0;
};

}  // namespace kagibin::test
