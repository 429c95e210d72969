// SPDX-License-Identifier: Apache-2.0
#include "kagibin/store/orders/tenant_transaction.h"

#include <utility>

#include "kagibin/store/orders/order_rows.h"

namespace kagibin::store {

using delivery::AnswerName;
using delivery::AnswerRow;
using delivery::TenantLimits;
using delivery::TenantRow;

namespace {

// SQLite ends a transaction by itself after some errors; what followed would commit by itself.
Result<Query> query_in_transaction(Database& db, std::string_view sql) {
  if (!db.in_transaction()) {
    return fail(Errc::kStore, "the transaction ended with an earlier failure");
  }
  return db.query(sql);
}

}  // namespace

#define KB_TENANTS                                                                       \
  "SELECT " KB_TENANT_COLUMNS                                                            \
  ", (SELECT coalesce(sum(count), 0) FROM order_counts c WHERE c.provider = t.provider " \
  "AND c.state IN " KB_OPEN_ORDERS ") FROM tenants t"

Result<Query> SqliteTenantRows::query(std::string_view sql) {
  return query_in_transaction(db_, sql);
}

Result<std::optional<TenantRow>> SqliteTenantRows::find_tenant(const Spid& provider,
                                                               std::int64_t now) {
  Query query = KB_TRY(this->query(KB_TENANTS " WHERE provider = ?1"));
  query.bind(1, provider.view());
  const bool found = KB_TRY(query.step());
  if (!found) {
    return std::optional<TenantRow>();
  }
  TenantRow tenant = KB_TRY(read_tenant(query));
  const bool set_back = delivery::is_set_back(tenant, delivery::milliseconds_of(now));
  fill(tenant, delivery::milliseconds_of(now));
  if (set_back) {
    KB_TRY(put(tenant));
  }
  return std::optional(tenant);
}

Result<TenantRow> SqliteTenantRows::take_tenant(const Spid& provider, std::int64_t now) {
  const std::optional<TenantRow> tenant = KB_TRY(find_tenant(provider, now));
  return tenant.value_or(TenantRow{.provider = provider});
}

Result<void> SqliteTenantRows::put(const TenantRow& tenant) {
  Query query = KB_TRY(
      this->query("INSERT INTO tenants(" KB_TENANT_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
                  "ON CONFLICT (provider) DO UPDATE SET max_open = excluded.max_open, per_minute = "
                  "excluded.per_minute, burst = excluded.burst, units = excluded.units, filled_at "
                  "= excluded.filled_at"));
  query.bind(1, tenant.provider.view());
  if (tenant.limits.max_open) {
    query.bind(2, static_cast<std::int64_t>(*tenant.limits.max_open));
  }
  if (tenant.limits.rate) {
    query.bind(3, static_cast<std::int64_t>(tenant.limits.rate->per_minute));
    query.bind(4, static_cast<std::int64_t>(tenant.limits.rate->burst));
  }
  query.bind(5, tenant.units);
  query.bind(6, tenant.filled_at_ms);
  return query.run();
}

Result<void> SqliteTenantRows::spend(const Spid& provider, bool /*opens*/, std::int64_t now) {
  std::optional<TenantRow> tenant = KB_TRY(find_tenant(provider, now));
  if (!tenant) {
    return fail(Errc::kNotFound, "the tenant has no limits");
  }
  if (tenant->limits.rate) {
    tenant->units -= delivery::kOrderUnits;
  }
  return put(*tenant);
}

Result<void> SqliteTenantRows::put_limits(const Spid& provider,
                                          const TenantLimits& limits,
                                          std::int64_t now) {
  const std::optional<TenantRow> tenant = KB_TRY(find_tenant(provider, now));
  TenantRow row = tenant.value_or(TenantRow{.provider = provider});
  set_limits(row, limits, delivery::milliseconds_of(now));
  return put(row);
}

Result<std::vector<TenantRow>> SqliteTenantRows::all_tenants(std::int64_t now) {
  Query query = KB_TRY(this->query(KB_TENANTS " ORDER BY provider"));
  std::vector<TenantRow> tenants;
  for (bool more = KB_TRY(query.step()); more; more = KB_TRY(query.step())) {
    TenantRow tenant = KB_TRY(read_tenant(query));
    fill(tenant, delivery::milliseconds_of(now));
    tenants.push_back(tenant);
  }
  return tenants;
}

Result<Query> SqliteAnswerRows::query(std::string_view sql) {
  return query_in_transaction(db_, sql);
}

Result<std::optional<AnswerRow>> SqliteAnswerRows::find_answer(const AnswerName& name,
                                                               std::int64_t now) {
  Query query = KB_TRY(
      this->query("SELECT " KB_ANSWER_COLUMNS " FROM answers WHERE owner = ?1 AND name = ?2"));
  query.bind(1, std::string_view(name.owner));
  query.bind(2, std::string_view(name.key));
  const bool found = KB_TRY(query.step());
  if (!found) {
    return std::optional<AnswerRow>();
  }
  AnswerRow row = KB_TRY(read_answer(query));
  return is_over(row, now) ? std::nullopt : std::optional(std::move(row));
}

Result<std::uint64_t> SqliteAnswerRows::count_answers(std::string_view owner) {
  Query query = KB_TRY(
      this->query("SELECT coalesce((SELECT number FROM answers WHERE owner = ?1 ORDER BY number "
                  "DESC LIMIT 1) - (SELECT number FROM answers WHERE owner = ?1 ORDER BY number "
                  "LIMIT 1) + 1, 0)"));
  query.bind(1, owner);
  KB_TRY(query.step());
  return static_cast<std::uint64_t>(query.integer(0));
}

Result<void> SqliteAnswerRows::put_answer(const AnswerRow& row, std::int64_t now) {
  Query query = KB_TRY(this->query(
      "INSERT INTO answers(" KB_ANSWER_COLUMNS
      ", number) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
      "(SELECT coalesce(max(number), 0) + ?7 FROM answers WHERE owner = ?1)) ON CONFLICT (owner, "
      "name) DO UPDATE SET request = excluded.request, status = excluded.status, body = "
      "excluded.body, kept_at = excluded.kept_at, number = excluded.number"));
  query.bind(1, std::string_view(row.name.owner));
  query.bind(2, std::string_view(row.name.key));
  query.bind(3, ByteView(row.request));
  query.bind(4, static_cast<std::int64_t>(row.status));
  query.bind(5, std::string_view(row.body));
  query.bind(6, now);
  query.bind(7, units_of(row));
  return query.run();
}

Result<std::uint32_t> SqliteAnswerRows::forget_answers(std::int64_t now, std::uint32_t limit) {
  Query query = KB_TRY(this->query(
      "DELETE FROM answers WHERE rowid IN (SELECT rowid FROM answers WHERE kept_at < ?1 ORDER BY "
      "kept_at LIMIT ?2)"));
  query.bind(1, now - delivery::kKeptSeconds);
  query.bind(2, static_cast<std::int64_t>(limit));
  KB_TRY(query.run());
  const auto forgotten = static_cast<std::uint32_t>(db_.changes());
  Query future = KB_TRY(this->query(
      "DELETE FROM answers WHERE rowid IN (SELECT rowid FROM answers WHERE kept_at > ?1 ORDER BY "
      "kept_at DESC LIMIT ?2)"));
  future.bind(1, now + delivery::kKeptSeconds);
  future.bind(2, static_cast<std::int64_t>(limit - forgotten));
  KB_TRY(future.run());
  return forgotten + static_cast<std::uint32_t>(db_.changes());
}

}  // namespace kagibin::store
