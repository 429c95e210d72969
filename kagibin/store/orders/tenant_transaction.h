// SPDX-License-Identifier: Apache-2.0
// Tenants' limits and kept answers in a transaction on SQLite. For order_transaction.h.
//
// Ownership: refers to the database. One process writes at a time, so that what is read holds.
#pragma once

#include "kagibin/delivery/answer_rows.h"
#include "kagibin/delivery/tenant_rows.h"
#include "kagibin/store/database.h"

namespace kagibin::store {

class SqliteTenantRows final : public delivery::TenantRows {
 public:
  explicit SqliteTenantRows(Database& db) : db_(db) {}
  Result<std::optional<delivery::TenantRow>> find_tenant(const Spid& provider,
                                                         std::int64_t now) override;
  Result<delivery::TenantRow> take_tenant(const Spid& provider, std::int64_t now) override;
  Result<void> spend(const Spid& provider, bool opens, std::int64_t now) override;
  Result<void> put_limits(const Spid& provider,
                          const delivery::TenantLimits& limits,
                          std::int64_t now) override;
  Result<std::vector<delivery::TenantRow>> all_tenants(std::int64_t now) override;

 private:
  Result<Query> query(std::string_view sql);
  Result<void> put(const delivery::TenantRow& tenant);
  Database& db_;
};

class SqliteAnswerRows final : public delivery::AnswerRows {
 public:
  explicit SqliteAnswerRows(Database& db) : db_(db) {}
  Result<std::optional<delivery::AnswerRow>> find_answer(const delivery::AnswerName& name,
                                                         std::int64_t now) override;
  Result<std::uint64_t> count_answers(std::string_view owner) override;
  Result<void> put_answer(const delivery::AnswerRow& row, std::int64_t now) override;
  Result<std::uint32_t> forget_answers(std::int64_t now, std::uint32_t limit) override;

 private:
  Result<Query> query(std::string_view sql);
  Database& db_;
};

}  // namespace kagibin::store
