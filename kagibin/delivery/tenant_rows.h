// SPDX-License-Identifier: Apache-2.0
// Port: limits of tenants, as rows of the distributor's store. A tenant is a service provider; one
// without a row has no limits. What is allowed is decided by the role.
//
// The rate is a token bucket: an order, or a further attempt, takes kOrderUnits, and `per_minute`
// units flow in every millisecond up to `burst` orders. There is one clock a store: that of the
// database server where there is one, so that distributors whose clocks are apart fill nothing
// twice; else the distributor's own. A clock that is set back fills nothing and counts on from
// there. What a transaction spends holds against all others: a commit that would pass a limit fails
// (kInterrupted), and the transaction may be tried again.
//
//   const auto tenant = KB_TRY(transaction->tenants().find_tenant(spid, now));
//   if (tenant && tenant->limits.max_open) ...
//   TenantLimits limits = KB_TRY(transaction->tenants().take_tenant(spid, now)).limits;
//   limits.max_open = 100;
//   KB_TRY(transaction->tenants().put_limits(spid, limits, now));
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/base/result.h"

namespace kagibin::delivery {

struct TenantRate {
  std::uint32_t per_minute = 1;  // 1 to kMaxRate
  std::uint32_t burst = 1;       // 1 to kMaxRate
  friend bool operator==(const TenantRate&, const TenantRate&) = default;
};
inline constexpr std::uint32_t kMaxRate = 1'000'000;
inline constexpr std::int64_t kOrderUnits = 60'000;

struct TenantLimits {
  std::optional<std::uint32_t> max_open{};  // orders that wait for something (is_open)
  std::optional<TenantRate> rate{};
  friend bool operator==(const TenantLimits&, const TenantLimits&) = default;
};

struct TenantRow {
  Spid provider{};
  TenantLimits limits{};
  std::int64_t units = 0;  // what the rate allows
  std::int64_t filled_at_ms = 0;
  std::uint64_t open = 0;  // how many orders are open
  friend bool operator==(const TenantRow&, const TenantRow&) = default;
};

// A clock that says nonsense says 1970, or the year 33658.
std::int64_t milliseconds_of(std::int64_t seconds);
// The clock was set back behind what is stored: that has to be stored anew, or nothing would flow
// until the clock is there again.
bool is_set_back(const TenantRow& tenant, std::int64_t now_ms);
// What flowed until then.
void fill(TenantRow& tenant, std::int64_t now_ms);
// Until the rate allows an order; 0: it does.
std::uint32_t seconds_until_order(const TenantRow& tenant);
// A rate that is new begins full; what is left of another is kept, up to the new burst.
void set_limits(TenantRow& tenant, const TenantLimits& limits, std::int64_t now_ms);

class TenantRows {
 public:
  TenantRows() = default;
  TenantRows(const TenantRows&) = delete;
  TenantRows& operator=(const TenantRows&) = delete;
  virtual ~TenantRows() = default;

  // As this transaction sees it, filled up to the store's time: `now` in seconds where the store
  // has no clock of its own. Empty: no limits.
  virtual Result<std::optional<TenantRow>> find_tenant(const Spid& provider, std::int64_t now) = 0;
  // The same, for put_limits(): who else takes it waits until this transaction ends. Without limits
  // where it has none.
  virtual Result<TenantRow> take_tenant(const Spid& provider, std::int64_t now) = 0;
  // One order of a tenant that has a row; `opens`: it was not open before.
  virtual Result<void> spend(const Spid& provider, bool opens, std::int64_t now) = 0;
  virtual Result<void> put_limits(const Spid& provider,
                                  const TenantLimits& limits,
                                  std::int64_t now) = 0;
  // Those with a row, by SPID.
  virtual Result<std::vector<TenantRow>> all_tenants(std::int64_t now) = 0;
};

}  // namespace kagibin::delivery
