// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/tenant_rows.h"

#include <algorithm>

namespace kagibin::delivery {
namespace {

// Fills the largest bucket at the smallest rate, and times the largest rate fits 63 bits.
constexpr std::int64_t kLongestMs = std::int64_t{kMaxRate} * kOrderUnits;
// A clock that is behind by less stands still; by more, it was set back.
constexpr std::int64_t kBackMs = 1'000;

}  // namespace

std::int64_t milliseconds_of(std::int64_t seconds) {
  return std::clamp<std::int64_t>(seconds, 0, 1'000'000'000'000) * 1'000;
}

bool is_set_back(const TenantRow& tenant, std::int64_t now_ms) {
  return now_ms < tenant.filled_at_ms - kBackMs;
}

void fill(TenantRow& tenant, std::int64_t now_ms) {
  if (const auto& rate = tenant.limits.rate) {
    // Written without a difference that could overflow: clocks say what they like.
    const bool later = now_ms > tenant.filled_at_ms;
    const bool very_late = later && tenant.filled_at_ms < now_ms - kLongestMs;
    const std::int64_t passed = very_late ? kLongestMs : (later ? now_ms - tenant.filled_at_ms : 0);
    tenant.units = std::min(std::int64_t{rate->burst} * kOrderUnits,
                            tenant.units + passed * std::int64_t{rate->per_minute});
  }
  tenant.filled_at_ms =
      is_set_back(tenant, now_ms) ? now_ms : std::max(now_ms, tenant.filled_at_ms);
}

std::uint32_t seconds_until_order(const TenantRow& tenant) {
  const auto& rate = tenant.limits.rate;
  if (!rate || tenant.units >= kOrderUnits) {
    return 0;
  }
  const std::int64_t a_second = std::int64_t{rate->per_minute} * 1'000;
  return static_cast<std::uint32_t>((kOrderUnits - tenant.units + a_second - 1) / a_second);
}

void set_limits(TenantRow& tenant, const TenantLimits& limits, std::int64_t now_ms) {
  const bool had_rate = tenant.limits.rate.has_value();
  fill(tenant, now_ms);
  const std::int64_t full = limits.rate ? std::int64_t{limits.rate->burst} * kOrderUnits : 0;
  tenant.units = had_rate ? std::min(tenant.units, full) : full;
  tenant.limits = limits;
}

}  // namespace kagibin::delivery
