// SPDX-License-Identifier: Apache-2.0
#include "kagibin/base/clock.h"

#include <chrono>
#include <limits>

namespace kagibin {

std::int64_t SystemClock::now() const {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count();
}

std::int64_t SystemClock::uptime_ms() const {
  const auto since_start = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since_start).count();
}

std::uint32_t to_protocol_minutes(std::int64_t unix_seconds) {
  if (unix_seconds <= kProtocolEpochSeconds) {
    return 0;
  }
  const std::int64_t minutes = (unix_seconds - kProtocolEpochSeconds) / 60;
  constexpr std::int64_t kLargest = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(minutes < kLargest ? minutes : kLargest);
}

std::int64_t from_protocol_minutes(std::uint32_t minutes) {
  return kProtocolEpochSeconds + std::int64_t{minutes} * 60;
}

}  // namespace kagibin
