// SPDX-License-Identifier: Apache-2.0
// Tenants' limits of a transaction: read without a lock, and spent behind one, at the commit. The
// row is locked by a statement of its own, so that the one that spends sees what every other
// transaction that spent has committed.
#include <utility>

#include "kagibin/store/orders/order_rows.h"
#include "kagibin/store/postgres/order_statements.h"
#include "kagibin/store/postgres/order_transaction_postgres.h"

namespace kagibin::store {

using delivery::TenantLimits;
using delivery::TenantRow;

namespace {

// Columns of sql::kReadTenants and sql::kAllTenants.
Result<TenantRow> read_filled(const PgRow& row) {
  TenantRow tenant = KB_TRY(read_tenant(row));
  fill(tenant, row.integer(7));
  return tenant;
}

PgParameters array_of(const std::vector<Spid>& providers) {
  std::vector<ByteView> views;
  views.reserve(providers.size());
  for (const Spid& provider : providers) {
    views.push_back(provider.view());
  }
  PgParameters out;
  out.octet_strings(views);
  return out;
}

}  // namespace

std::size_t PostgresOrderTransaction::add_tenant_reads(const std::vector<Spid>& providers) {
  return add(sql::kReadTenants, array_of(providers));
}

Result<void> PostgresOrderTransaction::take_tenants(const std::vector<Spid>& asked,
                                                    const PgRows& rows) {
  for (const Spid& provider : asked) {
    read_tenants_[provider].reset();
  }
  for (int i = 0; i < rows.count(); ++i) {
    TenantRow tenant = KB_TRY(read_tenant(rows.at(i)));
    const std::int64_t now_ms = rows.at(i).integer(7);
    if (delivery::is_set_back(tenant, now_ms)) {
      PgParameters parameters;
      parameters.octets(tenant.provider.view()).integer(now_ms);
      writes_.push_back({.sql = sql::kSetTenantBack, .parameters = std::move(parameters)});
    }
    fill(tenant, now_ms);
    read_tenants_[tenant.provider] = tenant;
    limited_.insert(tenant.provider);
  }
  return {};
}

Result<std::optional<TenantRow>> PostgresOrderTransaction::find_tenant(const Spid& provider,
                                                                       std::int64_t /*now*/) {
  KB_TRY(alive());
  if (undoes_sent_) {
    KB_TRY(send_writes());
  }
  if (!read_tenants_.contains(provider)) {
    const std::size_t place = add_tenant_reads({provider});
    const std::vector<PgRows> answers = KB_TRY(run());
    KB_TRY(take_tenants({provider}, answers[place]));
  }
  std::optional<TenantRow> tenant = read_tenants_[provider];
  if (!tenant) {
    return tenant;
  }
  for (const Write& write : writes_) {
    if (write.spend && write.spend->provider == provider && tenant->limits.rate) {
      tenant->units -= delivery::kOrderUnits;
    }
    if (write.counted && write.counted->after.provider == provider) {
      const bool was = write.counted->before && delivery::is_open(write.counted->before->state);
      const bool is = delivery::is_open(write.counted->after.state);
      if (is && !was) {
        ++tenant->open;
      } else if (was && !is && tenant->open > 0) {
        --tenant->open;
      }
    }
  }
  return tenant;
}

// Its row is made where there is none: two that give a tenant its first limits wait for each other.
Result<TenantRow> PostgresOrderTransaction::take_tenant(const Spid& provider, std::int64_t now) {
  KB_TRY(alive());
  KB_TRY(send_writes());
  add(sql::kMakeTenant, array_of({provider}));
  hold_tenants({provider});
  const std::size_t place = add_tenant_reads({provider});
  const std::vector<PgRows> answers = KB_TRY(run());
  KB_TRY(take_tenants({provider}, answers[place]));
  const std::optional<TenantRow> tenant = KB_TRY(find_tenant(provider, now));
  return tenant.value_or(TenantRow{.provider = provider});
}

Result<void> PostgresOrderTransaction::spend(const Spid& provider,
                                             bool opens,
                                             std::int64_t /*now*/) {
  KB_TRY(alive());
  writes_.push_back({.sql = {}, .spend = Spend{.provider = provider, .opens = opens}});
  return {};
}

void PostgresOrderTransaction::hold_tenants(const std::vector<Spid>& providers) {
  add(sql::kLockTenants, array_of(providers));
  locked_tenants_.insert(providers.begin(), providers.end());
}

// Those that may spend are locked before anything of theirs is counted: a transaction that sends
// changes before its commit locks all that it may come to, the commit those that did.
void PostgresOrderTransaction::add_tenant_locks(bool with_mark) {
  std::set<Spid> wanted = with_mark ? limited_ : std::set<Spid>();
  for (const Write& write : writes_) {
    if (write.spend) {
      wanted.insert(write.spend->provider);
    }
  }
  std::vector<Spid> to_lock;
  for (const Spid& provider : wanted) {
    if (locked_tenants_.insert(provider).second) {
      to_lock.push_back(provider);
    }
  }
  if (!to_lock.empty()) {
    add(sql::kLockTenants, array_of(to_lock));
  }
}

void PostgresOrderTransaction::add_spending(Spending& spending) {
  for (const auto& [provider, spent] : spending) {
    PgParameters parameters;
    parameters.octets(provider.view()).integer(spent.orders).integer(spent.opened);
    add(sql::kSpend, std::move(parameters));
  }
  spending.clear();
}

Result<void> PostgresOrderTransaction::put_limits(const Spid& provider,
                                                  const TenantLimits& limits,
                                                  std::int64_t /*now*/) {
  KB_TRY(alive());
  KB_TRY(send_writes());
  add(sql::kLockTenants, array_of({provider}));
  const std::size_t place = add_tenant_reads({provider});
  const std::size_t clock = add(sql::kStoreClock);
  const std::vector<PgRows> answers = KB_TRY(run());
  TenantRow tenant{.provider = provider};
  if (answers[place].count() > 0) {
    tenant = KB_TRY(read_filled(answers[place].at(0)));
  }
  set_limits(tenant, limits, answers[clock].at(0).integer(0));
  PgParameters parameters;
  parameters.octets(provider.view());
  limits.max_open ? parameters.integer(*limits.max_open) : parameters.null();
  limits.rate ? parameters.integer(limits.rate->per_minute) : parameters.null();
  limits.rate ? parameters.integer(limits.rate->burst) : parameters.null();
  parameters.integer(tenant.units).integer(tenant.filled_at_ms);
  writes_.push_back({.sql = sql::kPutTenant, .parameters = std::move(parameters)});
  return send_writes();
}

Result<std::vector<TenantRow>> PostgresOrderTransaction::all_tenants(std::int64_t /*now*/) {
  KB_TRY(alive());
  KB_TRY(send_writes());
  const std::size_t place = add(sql::kAllTenants);
  const std::vector<PgRows> answers = KB_TRY(run());
  std::vector<TenantRow> tenants;
  for (int i = 0; i < answers[place].count(); ++i) {
    const TenantRow tenant = KB_TRY(read_filled(answers[place].at(i)));
    tenants.push_back(tenant);
  }
  return tenants;
}

}  // namespace kagibin::store
