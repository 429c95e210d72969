// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/campaigns/window_hours.h"

#include <vector>

#include <gtest/gtest.h>

namespace kagibin::roles::key_distribution_operator {
namespace {

using delivery::MaintenanceWindow;

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kHour = 3'600;
// 2026-11-30, a Monday.
constexpr std::int64_t kMonday = 20'787 * kDay;

TEST(WindowHoursTest, WithoutWindowsItIsAlwaysOpen) {
  EXPECT_TRUE(is_open({}, kMonday));
  EXPECT_TRUE(is_open({}, -1));
  EXPECT_EQ(next_opening({}, 17), 17);
}

TEST(WindowHoursTest, AWindowOpensAtItsFirstSecondAndIsClosedAtItsEnd) {
  const std::vector<MaintenanceWindow> windows = {{.from = 9 * 60, .to = 17 * 60 + 30}};
  for (const std::int64_t day : {kMonday, kMonday + 5 * kDay, std::int64_t{0}, -3 * kDay}) {
    EXPECT_FALSE(is_open(windows, day + 9 * kHour - 1)) << day;
    EXPECT_TRUE(is_open(windows, day + 9 * kHour)) << day;
    EXPECT_TRUE(is_open(windows, day + 17 * kHour + 1'799)) << day;
    EXPECT_FALSE(is_open(windows, day + 17 * kHour + 1'800)) << day;
    EXPECT_EQ(next_opening(windows, day), day + 9 * kHour) << day;
    EXPECT_EQ(next_opening(windows, day + 18 * kHour), day + kDay + 9 * kHour) << day;
    EXPECT_EQ(next_opening(windows, day + 10 * kHour), day + 10 * kHour) << day;
  }
}

// Sunday and Monday, 22:00 to 04:00 of the next day.
TEST(WindowHoursTest, AWindowOverMidnightBelongsToTheDayOnWhichItBegins) {
  const std::vector<MaintenanceWindow> windows = {{.days = 0x41, .from = 22 * 60, .to = 4 * 60}};
  EXPECT_TRUE(is_open(windows, kMonday + 3 * kHour)) << "of Sunday";
  EXPECT_FALSE(is_open(windows, kMonday + 4 * kHour));
  EXPECT_FALSE(is_open(windows, kMonday + 21 * kHour));
  EXPECT_TRUE(is_open(windows, kMonday + 23 * kHour));
  EXPECT_TRUE(is_open(windows, kMonday + kDay + 3 * kHour)) << "of Monday";
  EXPECT_FALSE(is_open(windows, kMonday + kDay + 22 * kHour)) << "Tuesday";
  EXPECT_FALSE(is_open(windows, kMonday + 2 * kDay + kHour)) << "Wednesday morning";
  EXPECT_EQ(next_opening(windows, kMonday + kDay + 5 * kHour), kMonday + 6 * kDay + 22 * kHour);
  EXPECT_EQ(next_opening(windows, kMonday + 5 * kHour), kMonday + 22 * kHour);
}

TEST(WindowHoursTest, OneDayAWeekComesBackAfterSevenDays) {
  const std::vector<MaintenanceWindow> windows = {{.days = 0x01, .from = 0, .to = 1}};
  EXPECT_TRUE(is_open(windows, kMonday));
  EXPECT_EQ(next_opening(windows, kMonday + 60), kMonday + 7 * kDay);
  EXPECT_EQ(next_opening(windows, kMonday - 1), kMonday);
}

// Every minute of a week, each weekday named by its own window.
TEST(WindowHoursTest, EveryWeekdayIsTheRightOne) {
  for (unsigned day = 0; day < 7; ++day) {
    const std::vector<MaintenanceWindow> windows = {
        {.days = static_cast<std::uint8_t>(1U << day), .from = 12 * 60, .to = 13 * 60}};
    for (unsigned other = 0; other < 7; ++other) {
      EXPECT_EQ(is_open(windows, kMonday + other * kDay + 12 * kHour), day == other)
          << day << other;
    }
  }
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
