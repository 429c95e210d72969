// SPDX-License-Identifier: Apache-2.0
// The audit log's, tenants' and answers' rows.
#include <algorithm>
#include <array>

#include "tests/support/memory_orders/memory_rows.h"

namespace kagibin::test {

using delivery::AnswerName;
using delivery::AnswerRow;
using delivery::AuditHead;
using delivery::AuditTile;
using delivery::TenantRow;

Result<void> MemoryAuditRows::append(ByteView entry) {
  tables_.append(entry);
  return {};
}

Result<std::vector<Bytes>> MemoryAuditRows::without_place(std::uint32_t limit) {
  const auto first = static_cast<std::size_t>(tables_.head.at(0).size);
  const std::size_t last = std::min(tables_.entries.size(), first + limit);
  std::vector<Bytes> out;
  for (std::size_t place = first; place < last; ++place) {
    out.push_back(tables_.entries[place]);
  }
  return out;
}

Result<std::optional<AuditHead>> MemoryAuditRows::take_head() {
  return std::optional(tables_.head.at(0));
}

Result<std::vector<AuditTile>> MemoryAuditRows::tiles(
    std::span<const delivery::AuditTileName> names) {
  std::vector<AuditTile> out;
  for (const delivery::AuditTileName& name : names) {
    const auto found = tables_.tiles.find({name.level, name.number});
    if (found != tables_.tiles.end()) {
      out.push_back({.name = name, .hashes = found->second});
    }
  }
  return out;
}

Result<void> MemoryAuditRows::extend(const AuditHead& head, std::span<const AuditTile> tiles) {
  for (const AuditTile& tile : tiles) {
    tables_.set(tables_.tiles, {tile.name.level, tile.name.number}, std::optional(tile.hashes));
  }
  tables_.set(tables_.head, 0, std::optional(head));
  return {};
}

std::uint64_t MemoryTenantRows::open_orders(const Spid& provider) const {
  std::int64_t open = 0;
  const auto& counts = tables_.indexes().counts;
  for (auto one = counts.lower_bound({provider, ""});
       one != counts.end() && one->first.first == provider; ++one) {
    const auto state = delivery::state_by_name(one->first.second);
    open += state && delivery::is_open(*state) ? one->second : 0;
  }
  return static_cast<std::uint64_t>(open);
}

Result<std::optional<TenantRow>> MemoryTenantRows::find_tenant(const Spid& provider,
                                                               std::int64_t now) {
  const auto found = tables_.tenants.find(provider);
  if (found == tables_.tenants.end()) {
    return std::optional<TenantRow>();
  }
  TenantRow tenant = found->second;
  tenant.open = open_orders(provider);
  const bool set_back = delivery::is_set_back(tenant, delivery::milliseconds_of(now));
  fill(tenant, delivery::milliseconds_of(now));
  if (set_back) {
    tables_.set(tables_.tenants, provider, std::optional(tenant));
  }
  return std::optional(tenant);
}

Result<TenantRow> MemoryTenantRows::take_tenant(const Spid& provider, std::int64_t now) {
  const std::optional<TenantRow> tenant = KB_TRY(find_tenant(provider, now));
  return tenant.value_or(TenantRow{.provider = provider});
}

Result<void> MemoryTenantRows::spend(const Spid& provider, bool /*opens*/, std::int64_t now) {
  std::optional<TenantRow> tenant = KB_TRY(find_tenant(provider, now));
  if (!tenant) {
    return fail(Errc::kNotFound, "the tenant has no limits");
  }
  if (tenant->limits.rate) {
    tenant->units -= delivery::kOrderUnits;
  }
  tables_.set(tables_.tenants, provider, tenant);
  return {};
}

Result<void> MemoryTenantRows::put_limits(const Spid& provider,
                                          const delivery::TenantLimits& limits,
                                          std::int64_t now) {
  const std::optional<TenantRow> tenant = KB_TRY(find_tenant(provider, now));
  TenantRow row = tenant.value_or(TenantRow{.provider = provider});
  set_limits(row, limits, delivery::milliseconds_of(now));
  tables_.set(tables_.tenants, provider, std::optional(row));
  return {};
}

Result<std::vector<TenantRow>> MemoryTenantRows::all_tenants(std::int64_t now) {
  std::vector<TenantRow> out;
  for (const auto& [provider, row] : tables_.tenants) {
    TenantRow tenant = row;
    tenant.open = open_orders(provider);
    fill(tenant, delivery::milliseconds_of(now));
    out.push_back(tenant);
  }
  return out;
}

Result<std::optional<AnswerRow>> MemoryAnswerRows::find_answer(const AnswerName& name,
                                                               std::int64_t now) {
  const auto found = tables_.answers.find(name);
  const bool is_there = found != tables_.answers.end() && !is_over(found->second.row, now);
  return is_there ? std::optional(found->second.row) : std::nullopt;
}

Result<std::uint64_t> MemoryAnswerRows::count_answers(std::string_view owner) {
  std::int64_t first = 0;
  std::int64_t last = -1;
  for (const auto& [name, answer] : tables_.answers) {
    if (name.owner == owner) {
      first = last < 0 ? answer.number : std::min(first, answer.number);
      last = std::max(last, answer.number);
    }
  }
  return static_cast<std::uint64_t>(last - first + 1);
}

Result<void> MemoryAnswerRows::put_answer(const AnswerRow& row, std::int64_t now) {
  StoredAnswer answer{.row = row};
  answer.row.kept_at = now;
  for (const auto& [name, other] : tables_.answers) {
    if (name.owner == row.name.owner) {
      answer.number = std::max(answer.number, other.number);
    }
  }
  answer.number += units_of(row);
  const auto known = tables_.answers.find(row.name);
  answer.ordinal = known == tables_.answers.end() ? tables_.next("answer") : known->second.ordinal;
  tables_.set(tables_.answers, row.name, std::optional(std::move(answer)));
  return {};
}

Result<std::uint32_t> MemoryAnswerRows::forget_answers(std::int64_t now, std::uint32_t limit) {
  using Age = std::tuple<std::int64_t, std::uint64_t, AnswerName>;
  std::array<std::vector<Age>, 2> over;  // the oldest first, then the furthest in the future
  for (const auto& [name, answer] : tables_.answers) {
    const std::int64_t kept_at = answer.row.kept_at;
    if (kept_at < now - delivery::kKeptSeconds) {
      over[0].emplace_back(kept_at, answer.ordinal, name);
    } else if (kept_at > now + delivery::kKeptSeconds) {
      over[1].emplace_back(-kept_at, answer.ordinal, name);
    }
  }
  std::uint32_t forgotten = 0;
  for (std::vector<Age>& ages : over) {
    std::ranges::sort(ages);
    for (const Age& age : ages) {
      if (forgotten < limit) {
        tables_.set(tables_.answers, std::get<2>(age), std::optional<StoredAnswer>());
        ++forgotten;
      }
    }
  }
  return forgotten;
}

}  // namespace kagibin::test
