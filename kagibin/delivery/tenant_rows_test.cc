// SPDX-License-Identifier: Apache-2.0
// What flows into a tenant's bucket, whatever clocks say.
#include "kagibin/delivery/tenant_rows.h"

#include <limits>

#include <gtest/gtest.h>

namespace kagibin::delivery {
namespace {

constexpr std::int64_t kThen = 1'800'000'000'000;

TenantRow a_tenant(std::uint32_t per_minute, std::uint32_t burst, std::int64_t units) {
  return {.limits = {.max_open = {}, .rate = TenantRate{.per_minute = per_minute, .burst = burst}},
          .units = units,
          .filled_at_ms = kThen};
}

TEST(TenantRowsTest, OrdersFlowInAtTheRateUpToTheBurst) {
  TenantRow tenant = a_tenant(60, 3, 0);  // one a second
  EXPECT_EQ(seconds_until_order(tenant), 1U);
  fill(tenant, kThen + 999);
  EXPECT_LT(tenant.units, kOrderUnits);
  EXPECT_EQ(seconds_until_order(tenant), 1U);
  fill(tenant, kThen + 1'000);
  EXPECT_EQ(tenant.units, kOrderUnits);
  EXPECT_EQ(seconds_until_order(tenant), 0U);
  fill(tenant, kThen + 3'600'000);
  EXPECT_EQ(tenant.units, 3 * kOrderUnits);
  EXPECT_EQ(seconds_until_order(a_tenant(1, 1, 0)), 60U);
  EXPECT_EQ(seconds_until_order(TenantRow{}), 0U) << "without a rate";
}

TEST(TenantRowsTest, AClockThatIsSetBackFillsNothingAndCountsOn) {
  TenantRow tenant = a_tenant(60, 100, 0);
  fill(tenant, 0);  // 1970
  EXPECT_EQ(tenant.units, 0);
  EXPECT_EQ(tenant.filled_at_ms, 0);
  fill(tenant, 5'000);
  EXPECT_EQ(tenant.units, 5 * kOrderUnits);
}

TEST(TenantRowsTest, AClockThatIsALittleBehindStandsStill) {
  TenantRow tenant = a_tenant(60, 100, 0);
  for (int i = 0; i < 10; ++i) {  // two ends of one clock, read out of order
    fill(tenant, kThen - 900);
    fill(tenant, kThen);
  }
  EXPECT_EQ(tenant.units, 0);
  EXPECT_EQ(tenant.filled_at_ms, kThen);
}

TEST(TenantRowsTest, NoClockAndNoRateOverflows) {
  for (const std::int64_t now : {std::numeric_limits<std::int64_t>::max(), milliseconds_of(-1),
                                 milliseconds_of(std::numeric_limits<std::int64_t>::max())}) {
    for (const std::int64_t before : {std::int64_t{0}, kThen, now}) {
      TenantRow tenant = a_tenant(kMaxRate, kMaxRate, 0);
      tenant.filled_at_ms = before;
      fill(tenant, now);
      EXPECT_GE(tenant.units, 0);
      EXPECT_LE(tenant.units, std::int64_t{kMaxRate} * kOrderUnits);
    }
  }
  TenantRow slow = a_tenant(1, kMaxRate, 0);
  fill(slow, kThen + std::int64_t{kMaxRate} * kOrderUnits);
  EXPECT_EQ(slow.units, std::int64_t{kMaxRate} * kOrderUnits) << "full at last";
}

TEST(TenantRowsTest, NewLimitsGiveNoOrderTwice) {
  TenantRow tenant;
  const auto rate = [](std::uint32_t per_minute, std::uint32_t burst) {
    return TenantLimits{.rate = TenantRate{.per_minute = per_minute, .burst = burst}};
  };
  set_limits(tenant, rate(60, 5), kThen);
  EXPECT_EQ(tenant.units, 5 * kOrderUnits) << "new";
  tenant.units = 0;
  set_limits(tenant, rate(60, 50), kThen);
  EXPECT_EQ(tenant.units, 0) << "what was spent stays spent";
  set_limits(tenant, rate(60, 50), kThen + 2'000);
  EXPECT_EQ(tenant.units, 2 * kOrderUnits) << "at the rate of before";
  set_limits(tenant, rate(60, 1), kThen + 2'000);
  EXPECT_EQ(tenant.units, kOrderUnits);
  set_limits(tenant, {}, kThen + 2'000);
  EXPECT_EQ(seconds_until_order(tenant), 0U);
}

}  // namespace
}  // namespace kagibin::delivery
