// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/waiting/pace.h"

#include <gtest/gtest.h>

namespace kagibin::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(PaceTest, NewsAreFollowedAtOnceButNotInABusyLoop) {
  Pace pace;
  EXPECT_EQ(pace.after({.took = seconds(3), .wait = seconds(20), .news = true}), seconds(0));
  EXPECT_EQ(pace.after({.took = milliseconds(1), .wait = seconds(20), .news = true}),
            milliseconds(199));
}

TEST(PaceTest, AnEmptyAnswerIsAskedForAgainAtOnceOnlyWhenTheServerHeldIt) {
  Pace pace;
  EXPECT_EQ(pace.after({.took = seconds(20), .wait = seconds(20), .asked_seconds = 9}), seconds(0));
  EXPECT_EQ(pace.after({.took = milliseconds(2), .wait = seconds(20), .asked_seconds = 9}),
            seconds(9));
  EXPECT_EQ(pace.after({.took = milliseconds(2), .wait = seconds(20)}), Pace::kEmpty);
  EXPECT_EQ(pace.after({.took = milliseconds(2), .wait = seconds(0)}), Pace::kEmpty);
  EXPECT_EQ(pace.after({.took = milliseconds(2), .asked_seconds = 0}), Pace::kShortest);
  EXPECT_EQ(pace.after({.took = milliseconds(2), .asked_seconds = 4'000'000'000}), seconds(300));
}

TEST(PaceTest, FailuresSpreadOverABoundThatDoublesUpToAMinute) {
  Pace pace;
  EXPECT_EQ(pace.after_failure({}, 0), Pace::kShortest);
  EXPECT_EQ(pace.after_failure({}, 2'000), seconds(2));
  EXPECT_EQ(pace.after_failure({}, 4'000), seconds(4));
  for (int i = 0; i < 100; ++i) {
    EXPECT_LE(pace.after_failure({}, 0xFFFF'FFFF), Pace::kLastBound);
  }
  EXPECT_EQ(pace.after_failure({}, 60'000), Pace::kLastBound);
  EXPECT_EQ(pace.after_failure(7, 500), milliseconds(7'500)) << "not before the server's time";
  static_cast<void>(pace.after({.news = true}));
  EXPECT_LE(pace.after_failure({}, 0xFFFF'FFFF), seconds(1)) << "begins anew";
}

}  // namespace
}  // namespace kagibin::cli
