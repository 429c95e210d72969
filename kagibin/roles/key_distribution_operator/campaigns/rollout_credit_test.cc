// SPDX-License-Identifier: Apache-2.0
// Rates against clocks as they are: good ones, ones that stand still, jump, or show 1970.
#include "kagibin/roles/key_distribution_operator/campaigns/rollout_credit.h"

#include <gtest/gtest.h>

namespace kagibin::roles::key_distribution_operator {
namespace {

using delivery::CampaignRow;
using delivery::Rollout;

constexpr std::int64_t kStart = 1'800'000'000;

CampaignRow fresh(std::int64_t now = kStart) {
  CampaignRow row{.id = delivery::CampaignId::from("c").value(), .provider = {}};
  row.credit = kCreditOfOne;
  row.credit_at = now;
  return row;
}

// What is released at `now` when there is enough to release.
std::uint64_t release(CampaignRow& row, std::uint32_t rate, std::int64_t now) {
  accrue(row, rate, now);
  const std::uint64_t some = releasable(row);
  take(row, some);
  return some;
}

TEST(RolloutCreditTest, AConstantRateIsKeptSecondBySecond) {
  for (const std::uint32_t rate : {1U, 7U, 60U, 90U, 6'000U, 60'000U}) {
    CampaignRow row = fresh();
    std::uint64_t sum = release(row, rate, kStart);
    EXPECT_EQ(sum, 1U) << "the first goes at once";
    for (std::int64_t second = 1; second <= 600; ++second) {
      sum += release(row, rate, kStart + second);
      EXPECT_LE(sum, 1 + (rate * static_cast<std::uint64_t>(second)) / 60) << rate << " " << second;
    }
    EXPECT_EQ(sum, 1 + rate * 10ULL) << rate;
    EXPECT_EQ(row.released, sum);
  }
}

TEST(RolloutCreditTest, WhoWasAwayCatchesUpTenSecondsAndNoMore) {
  CampaignRow row = fresh();
  EXPECT_EQ(release(row, 60, kStart), 1U);
  EXPECT_EQ(release(row, 60, kStart + 86'400), 10U);
  EXPECT_EQ(release(row, 60, kStart + 86'401), 1U);
  EXPECT_EQ(release(row, 1, kStart + 2 * 86'400), 1U) << "one, though ten seconds give less";
}

TEST(RolloutCreditTest, AClockThatStandsStillReleasesNothingMore) {
  CampaignRow row = fresh();
  EXPECT_EQ(release(row, 600, kStart), 1U);
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_EQ(release(row, 600, kStart), 0U);
  }
  EXPECT_EQ(release(row, 600, kStart + 1), 10U);
}

TEST(RolloutCreditTest, DistributorsWhoseClocksDifferGiveNoMoreThanOne) {
  CampaignRow row = fresh();
  std::uint64_t sum = 0;
  for (std::int64_t second = 0; second < 600; ++second) {
    sum += release(row, 60, kStart + second);
    sum += release(row, 60, kStart + second - 290);
    sum += release(row, 60, kStart + second - 5);
  }
  EXPECT_EQ(sum, 600U);
}

TEST(RolloutCreditTest, AfterAJumpCountingBeginsAnew) {
  for (const std::int64_t jump : {std::int64_t{0}, kStart - 3'600, kStart + 400'000'000}) {
    CampaignRow row = fresh();
    EXPECT_EQ(release(row, 60, kStart), 1U);
    std::uint64_t sum = 0;
    for (std::int64_t second = 0; second < 60; ++second) {
      sum += release(row, 60, jump + second);
    }
    EXPECT_GE(sum, 59U) << jump;
    EXPECT_LE(sum, 60U + 10U) << jump;
  }
  // Forward, and back again: the time before the jump is not waited for.
  CampaignRow row = fresh();
  release(row, 60, kStart + 400'000'000);
  release(row, 60, kStart);
  EXPECT_EQ(release(row, 60, kStart + 1), 1U);
}

TEST(RolloutCreditTest, NoTimeOverflows) {
  for (const std::int64_t now : {INT64_MIN / 2, std::int64_t{0}, INT64_MAX / 2}) {
    for (const std::int64_t at : {INT64_MIN / 2, std::int64_t{0}, INT64_MAX / 2}) {
      CampaignRow row = fresh(at);
      accrue(row, delivery::kMaxPerMinute, now);
      EXPECT_LE(releasable(row), 10U * delivery::kMaxPerMinute / 60);
    }
  }
}

TEST(RolloutCreditTest, AnExponentialRateGrowsWithWhatIsConfirmedUpToItsLimit) {
  const Rollout rollout{
      .kind = Rollout::Kind::kExponential, .per_minute = 10, .factor = 3, .each = 20, .max = 200};
  EXPECT_EQ(rate_of(rollout, 0), 10U);
  EXPECT_EQ(rate_of(rollout, 19), 10U);
  EXPECT_EQ(rate_of(rollout, 20), 30U);
  EXPECT_EQ(rate_of(rollout, 40), 90U);
  EXPECT_EQ(rate_of(rollout, 60), 200U);
  EXPECT_EQ(rate_of(rollout, UINT64_MAX), 200U);
  EXPECT_EQ(rate_of({.per_minute = 7}, 1'000'000), 7U);
}

TEST(RolloutCreditTest, TheNextReleaseIsAsFarAsItsCredit) {
  CampaignRow row = fresh();
  EXPECT_EQ(seconds_to_next(row, 1), 0);
  take(row, 1);
  EXPECT_EQ(seconds_to_next(row, 1), 60);
  EXPECT_EQ(seconds_to_next(row, 7), 9);
  accrue(row, 7, kStart + 8);
  EXPECT_EQ(releasable(row), 0U);
  accrue(row, 7, kStart + 9);
  EXPECT_EQ(releasable(row), 1U);
}

}  // namespace
}  // namespace kagibin::roles::key_distribution_operator
