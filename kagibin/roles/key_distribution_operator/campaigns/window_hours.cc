// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/campaigns/window_hours.h"

#include <algorithm>

namespace kagibin::roles::key_distribution_operator {
namespace {

using delivery::MaintenanceWindow;

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kMinute = 60;
constexpr std::int64_t kWeek = 7;
constexpr std::int64_t kThursday = 3;  // 1970-01-01; Monday is 0

// Of the day, counted from 1970-01-01, also before it.
std::int64_t day_of(std::int64_t time) { return (time - (time % kDay + kDay) % kDay) / kDay; }

bool is_day(const MaintenanceWindow& window, std::int64_t day) {
  const std::int64_t weekday = ((day + kThursday) % kWeek + kWeek) % kWeek;
  return (window.days >> weekday & 1) != 0;
}

std::int64_t begin_of(const MaintenanceWindow& window, std::int64_t day) {
  return day * kDay + window.from * kMinute;
}

std::int64_t end_of(const MaintenanceWindow& window, std::int64_t day) {
  return (window.to > window.from ? day : day + 1) * kDay + window.to * kMinute;
}

}  // namespace

bool is_open(std::span<const MaintenanceWindow> windows, std::int64_t now) {
  const std::int64_t today = day_of(now);
  const auto open = [&](const MaintenanceWindow& window, std::int64_t day) {
    return is_day(window, day) && begin_of(window, day) <= now && now < end_of(window, day);
  };
  return windows.empty() || std::ranges::any_of(windows, [&](const MaintenanceWindow& window) {
           return open(window, today) || open(window, today - 1);
         });
}

std::int64_t next_opening(std::span<const MaintenanceWindow> windows, std::int64_t now) {
  if (is_open(windows, now)) {
    return now;
  }
  const std::int64_t today = day_of(now);
  std::int64_t first = (today + kWeek + 1) * kDay;
  for (const MaintenanceWindow& window : windows) {
    for (std::int64_t day = today; day <= today + kWeek; ++day) {
      if (is_day(window, day) && begin_of(window, day) > now) {
        first = std::min(first, begin_of(window, day));
        break;
      }
    }
  }
  return first;
}

}  // namespace kagibin::roles::key_distribution_operator
