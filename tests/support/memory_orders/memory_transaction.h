// SPDX-License-Identifier: Apache-2.0
// One transaction of the distributor's store in memory. For memory_order_store.cc.
//
// Ownership: refers to the tables and to the store's mark that a transaction is open, which it
// clears when it goes.
#pragma once

#include "kagibin/delivery/order_store.h"

#include "tests/support/memory_orders/memory_rows.h"
#include "tests/support/memory_orders/order_tables.h"

namespace kagibin::test {

class MemoryTransaction final : public delivery::OrderTransaction {
 public:
  MemoryTransaction(OrderTables& tables, bool& open);
  MemoryTransaction(const MemoryTransaction&) = delete;
  MemoryTransaction& operator=(const MemoryTransaction&) = delete;
  ~MemoryTransaction() override;

  Result<std::optional<delivery::OrderRow>> find_order(const delivery::OrderKey& order) override;
  Result<void> insert_order(const delivery::OrderRow& row) override;
  Result<void> update_order(const delivery::OrderRow& row) override;
  Result<std::optional<delivery::AttemptRow>> find_attempt(const delivery::OrderKey& order,
                                                           delivery::AttemptNumber number) override;
  Result<std::vector<delivery::AttemptRow>> attempts_of(const delivery::OrderKey& order) override;
  Result<void> insert_attempt(const delivery::AttemptRow& row) override;
  Result<void> update_attempt(const delivery::AttemptRow& row) override;
  Result<std::vector<Bytes>> receipts_of(const delivery::OrderKey& order,
                                         delivery::AttemptNumber number) override;
  Result<void> insert_receipt(const delivery::OrderKey& order,
                              delivery::AttemptNumber number,
                              std::uint32_t revision,
                              ByteView receipt) override;
  Result<std::optional<delivery::AttemptRow>> next_work(const delivery::DeviceId& device,
                                                        std::uint64_t after) override;
  Result<std::vector<delivery::AttemptRow>> list(const Spid& provider,
                                                 std::optional<delivery::State> state,
                                                 std::uint64_t after,
                                                 std::uint32_t limit) override;
  Result<std::vector<delivery::AttemptRow>> overdue_attempts(std::int64_t now,
                                                             std::uint32_t limit) override;
  Result<std::vector<delivery::OrderRow>> overdue_orders(std::int64_t now,
                                                         std::uint32_t limit) override;
  Result<std::vector<delivery::OrderCount>> order_counts(
      const std::optional<Spid>& provider) override;
  Result<std::optional<delivery::InvitationRow>> find_invitation(ByteView token_hash) override;
  Result<void> insert_invitation(const delivery::InvitationRow& row) override;
  Result<void> update_invitation(const delivery::InvitationRow& row) override;
  delivery::CampaignRows& campaigns() override { return campaigns_; }
  delivery::AuditRows& audit() override { return audit_; }
  delivery::TenantRows& tenants() override { return tenants_; }
  delivery::AnswerRows& answers() override { return answers_; }
  Result<void> mark() override;
  Result<void> roll_back_to_mark() override;
  Result<void> commit() override;

 private:
  OrderTables& tables_;
  bool& open_;
  MemoryAuditRows audit_;
  MemoryTenantRows tenants_;
  MemoryAnswerRows answers_;
  MemoryCampaignRows campaigns_;
  std::optional<std::size_t> mark_{};
  std::uint64_t last_change_;  // what is undone to a mark leaves a gap
};

}  // namespace kagibin::test
