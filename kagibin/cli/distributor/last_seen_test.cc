// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/distributor/last_seen.h"

#include <string>

#include <gtest/gtest.h>

namespace kagibin::cli {
namespace {

using Kind = LastSeen::Kind;
constexpr std::int64_t kNow = 1'800'000'000;

// promises, dead workers: who is missing is seen by its absence
TEST(LastSeenTest, CountsWhoWasThereSinceATime) {
  LastSeen seen;
  EXPECT_EQ(seen.newest(Kind::kDevice), 0);
  for (int i = 0; i < 10; ++i) {
    seen.note(Kind::kDevice, "phone-" + std::to_string(i), kNow + i);
  }
  seen.note(Kind::kProvider, "phone-1", kNow);
  seen.note(Kind::kDevice, "phone-3", kNow + 20);
  EXPECT_EQ(seen.since(Kind::kDevice, kNow), 10U);
  EXPECT_EQ(seen.since(Kind::kDevice, kNow + 5), 6U) << "four late ones and one that came again";
  EXPECT_EQ(seen.since(Kind::kDevice, kNow + 21), 0U);
  EXPECT_EQ(seen.since(Kind::kProvider, 0), 1U);
  EXPECT_EQ(seen.newest(Kind::kDevice), kNow + 20);
  EXPECT_EQ(seen.newest(Kind::kProvider), kNow);
}

TEST(LastSeenTest, ForgetsAfterADayAndWhatAClockThatJumpedSaid) {
  LastSeen seen;
  seen.note(Kind::kDevice, "old", kNow - LastSeen::kForgotten - 1);
  seen.note(Kind::kDevice, "day", kNow - LastSeen::kForgotten);
  seen.note(Kind::kDevice, "from the future", kNow + 1'000'000);
  seen.forget(kNow);
  EXPECT_EQ(seen.since(Kind::kDevice, 0), 1U);
}

TEST(LastSeenTest, IsBounded) {
  LastSeen seen;
  for (std::size_t i = 0; i < LastSeen::kMost + 1'000; ++i) {
    seen.note(Kind::kDevice, std::to_string(i), kNow);
  }
  EXPECT_EQ(seen.since(Kind::kDevice, 0), LastSeen::kMost);
  seen.note(Kind::kDevice, "0", kNow + 5);
  EXPECT_EQ(seen.since(Kind::kDevice, kNow + 5), 1U) << "who is known stays known";
  seen.forget(kNow + 2 * LastSeen::kForgotten);
  EXPECT_EQ(seen.since(Kind::kDevice, 0), 0U);
}

}  // namespace
}  // namespace kagibin::cli
