// SPDX-License-Identifier: Apache-2.0
// One transaction of the distributor's store on SQLite. For order_store_sqlite.cc.
//
// Ownership: refers to the database and to the store's mark that a transaction is open, which it
// clears when it goes.
#pragma once

#include "kagibin/delivery/order_store.h"
#include "kagibin/store/database.h"
#include "kagibin/store/orders/audit_transaction.h"
#include "kagibin/store/orders/campaign_transaction.h"
#include "kagibin/store/orders/tenant_transaction.h"

namespace kagibin::store {

class SqliteOrderTransaction final : public delivery::OrderTransaction {
 public:
  SqliteOrderTransaction(Database& db, Transaction transaction, bool& open)
      : db_(db),
        transaction_(std::move(transaction)),
        open_(open),
        audit_(db),
        tenants_(db),
        answers_(db),
        campaigns_(db) {
    open_ = true;
  }
  SqliteOrderTransaction(const SqliteOrderTransaction&) = delete;
  SqliteOrderTransaction& operator=(const SqliteOrderTransaction&) = delete;
  ~SqliteOrderTransaction() override { open_ = false; }

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
  Result<void> alive() const;
  Result<void> run(std::string_view sql);
  Result<Query> query(std::string_view sql);
  Result<void> one_row_changed() const;
  Result<std::int64_t> next_change();

  Database& db_;
  Transaction transaction_;
  bool& open_;
  SqliteAuditRows audit_;
  SqliteTenantRows tenants_;
  SqliteAnswerRows answers_;
  SqliteCampaignRows campaigns_;
  bool marked_ = false;
  std::optional<std::int64_t> last_change_{};  // since something was changed
};

}  // namespace kagibin::store
