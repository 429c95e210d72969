// SPDX-License-Identifier: Apache-2.0
// One transaction of the distributors' common store on PostgreSQL. For order_store_postgres.cc.
//
// An order is read once, whole, with its row locked (READ COMMITTED, FOR NO KEY UPDATE): until the
// transaction ends no other changes it. Reads afterwards and all changes happen in memory; what
// changed goes out with the commit, so that a batch costs two round trips, three when it hands out
// work, however many requests it has. Three things send changes earlier: work or a listing that
// they may have changed, and an invitation.
//
// Ownership: refers to the session and to the store's mark that a transaction is open, which it
// clears when it goes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "kagibin/delivery/order_store.h"
#include "kagibin/store/postgres/pg_connection.h"

namespace kagibin::store {

// The channel of NOTIFY on which distributors announce topics, one a line.
inline constexpr std::string_view kNewsChannel = "kagibin_news";

class PostgresOrderTransaction final : public delivery::OrderTransaction,
                                       private delivery::AuditRows,
                                       private delivery::CampaignRows,
                                       private delivery::TenantRows,
                                       private delivery::AnswerRows {
 public:
  PostgresOrderTransaction(PgConnection& db, bool& open) : db_(db), open_(open) { open_ = true; }
  PostgresOrderTransaction(const PostgresOrderTransaction&) = delete;
  PostgresOrderTransaction& operator=(const PostgresOrderTransaction&) = delete;
  ~PostgresOrderTransaction() override;

  Result<void> expect(const delivery::Expectation& expectation) override;
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
  delivery::CampaignRows& campaigns() override { return *this; }
  delivery::AuditRows& audit() override { return *this; }
  delivery::TenantRows& tenants() override { return *this; }
  delivery::AnswerRows& answers() override { return *this; }
  Result<void> mark() override;
  Result<void> roll_back_to_mark() override;
  void announce(const std::vector<std::string>& topics) override;
  Result<void> commit() override;

 private:
  // An order as this transaction sees it.
  struct Entry {
    std::optional<delivery::OrderRow> order{};  // empty: there is none of this name
    std::map<delivery::AttemptNumber, delivery::AttemptRow> attempts{};
    std::map<delivery::AttemptNumber, std::vector<Bytes>> receipts{};
    bool locked = false;
  };
  // An order that is in another state than before, or new.
  struct Counted {
    std::optional<delivery::OrderRow> before{};
    delivery::OrderRow after;
  };
  // Providers and names of states, campaigns with groups and phases: sorted as the server sorts
  // them.
  struct CountChanges {
    std::map<std::pair<Spid, std::string_view>, std::int64_t> orders{};
    std::map<std::tuple<delivery::CampaignKey, std::uint32_t, std::string_view>, std::int64_t>
        phases{};
  };
  // Orders of a tenant with limits, and how many of them were not open before.
  struct Spent {
    std::int64_t orders = 0;
    std::int64_t opened = 0;
  };
  using Spending = std::map<Spid, Spent>;
  struct Spend {
    Spid provider;
    bool opens = false;
  };
  // A change that the server has not seen.
  struct Write {
    std::string_view sql;
    PgParameters parameters{};
    // Of an attempt: its number of change is given when this is sent.
    std::optional<delivery::OrderKey> attempt_of{};
    delivery::AttemptNumber number = 0;
    bool inserts_attempt = false;
    std::optional<Counted> counted{};
    std::optional<Spend> spend{};  // no statement of its own
  };
  struct Sent {
    std::map<Spid, std::size_t> counters{};  // where their answers stand
    std::vector<std::size_t> writes{};       // likewise; 0: no statement of its own
  };

  // audit_statements.cc.
  Result<void> append(ByteView entry) override;
  Result<std::vector<Bytes>> without_place(std::uint32_t limit) override;
  Result<std::optional<delivery::AuditHead>> take_head() override;
  Result<std::vector<delivery::AuditTile>> tiles(
      std::span<const delivery::AuditTileName> names) override;
  Result<void> extend(const delivery::AuditHead& head,
                      std::span<const delivery::AuditTile> tiles) override;
  void add_entries();

  // tenant_statements.cc.
  Result<std::optional<delivery::TenantRow>> find_tenant(const Spid& provider,
                                                         std::int64_t now) override;
  Result<delivery::TenantRow> take_tenant(const Spid& provider, std::int64_t now) override;
  Result<void> spend(const Spid& provider, bool opens, std::int64_t now) override;
  Result<void> put_limits(const Spid& provider,
                          const delivery::TenantLimits& limits,
                          std::int64_t now) override;
  Result<std::vector<delivery::TenantRow>> all_tenants(std::int64_t now) override;
  std::size_t add_tenant_reads(const std::vector<Spid>& providers);
  void hold_tenants(const std::vector<Spid>& providers);
  void add_tenant_locks(bool with_mark);
  void add_spending(Spending& spending);
  Result<void> take_tenants(const std::vector<Spid>& asked, const PgRows& rows);

  // answer_statements.cc.
  Result<std::optional<delivery::AnswerRow>> find_answer(const delivery::AnswerName& name,
                                                         std::int64_t now) override;
  Result<std::uint64_t> count_answers(std::string_view owner) override;
  Result<void> put_answer(const delivery::AnswerRow& row, std::int64_t now) override;
  Result<std::uint32_t> forget_answers(std::int64_t now, std::uint32_t limit) override;
  std::size_t add_answer_reads(const std::vector<delivery::AnswerName>& names);
  Result<void> take_answers(const std::vector<delivery::AnswerName>& asked,
                            const PgRows& rows,
                            const PgRows& counts);
  void add_answers();

  // campaign_statements.cc.
  Result<std::optional<delivery::CampaignRow>> find_campaign(
      const delivery::CampaignKey& campaign) override;
  Result<std::optional<delivery::CampaignRow>> take_campaign(
      const delivery::CampaignKey& campaign) override;
  Result<void> insert_campaign(const delivery::CampaignRow& row) override;
  Result<void> update_campaign(const delivery::CampaignRow& row) override;
  Result<std::vector<delivery::CampaignRow>> list_campaigns(const Spid& provider,
                                                            std::string_view after,
                                                            std::uint32_t limit) override;
  Result<std::optional<delivery::CampaignRow>> take_due(std::int64_t from,
                                                        std::int64_t until) override;
  Result<std::uint32_t> open_campaigns(const Spid& provider, std::uint32_t limit) override;
  Result<std::vector<delivery::PhaseCount>> phase_counts(
      const delivery::CampaignKey& campaign) override;
  Result<std::vector<delivery::OrderRow>> orders_to_release(const delivery::CampaignKey& campaign,
                                                            std::uint32_t last_group,
                                                            std::uint32_t limit) override;
  Result<std::vector<delivery::OrderRow>> orders_to_cancel(const delivery::CampaignKey& campaign,
                                                           std::uint32_t limit) override;
  Result<void> append_history(const delivery::OrderKey& order,
                              const delivery::HistoryRow& row) override;
  Result<std::vector<delivery::HistoryRow>> history_of(const delivery::OrderKey& order,
                                                       std::uint64_t after,
                                                       std::uint32_t limit) override;
  Result<std::optional<delivery::CampaignRow>> read_first_campaign(std::string_view sql,
                                                                   PgParameters parameters);
  // Whole orders whose rows this statement locks and names.
  Result<std::vector<delivery::OrderRow>> take_named_orders(std::string_view sql,
                                                            PgParameters parameters);
  void add_history();

  // order_pipeline.cc: what goes between us and the server.
  Result<void> alive() const;
  std::size_t add(std::string_view sql, PgParameters parameters = {});
  Result<std::vector<PgRows>> run();
  void add_reads(const std::vector<delivery::OrderKey>& keys);
  Result<void> take_orders(const PgRows& rows, bool locked);
  Result<void> take_attempts(const PgRows& attempts, const PgRows& receipts);
  Result<void> load(const std::vector<delivery::OrderKey>& keys, bool lock);
  Sent add_writes(bool with_mark);
  Result<void> send_writes();
  void add_announcements();

  // count_statements.cc.
  static void count(const Write& write, CountChanges& out);
  void add_counts(CountChanges& changes);

  // order_transaction_postgres.cc: rows in memory.
  Result<Entry*> entry(const delivery::OrderKey& key);
  Result<Entry*> entry_to_change(const delivery::OrderKey& key);
  void touch(const delivery::OrderKey& key, const delivery::DeviceId& device);
  // Empty: the server has to be asked.
  std::optional<std::optional<delivery::AttemptRow>> expected_work(const delivery::DeviceId& device,
                                                                   std::uint64_t after) const;

  PgConnection& db_;
  bool& open_;
  bool began_ = false;
  bool failed_ = false;
  bool ended_ = false;
  std::map<delivery::OrderKey, Entry> entries_;
  std::map<delivery::OrderKey, Entry> before_mark_;  // of what changed since
  std::vector<Write> writes_;
  std::size_t mark_at_ = 0;  // in writes_
  bool marked_ = false;
  bool mark_sent_ = false;
  bool undoes_sent_ = false;  // writes_ begin by undoing what the server has seen
  std::set<delivery::DeviceId> changed_devices_;
  std::set<Spid> changed_providers_;
  std::vector<delivery::Expectation::Work> expected_work_;
  std::vector<delivery::Expectation::Listing> expected_listings_;
  std::vector<std::vector<delivery::AttemptRow>> listings_;
  std::set<std::string> topics_;
  // What order_counts() read, of a provider or of all; without what writes_ adds.
  std::map<std::optional<Spid>, std::vector<delivery::OrderCount>> read_counts_;
  // Without what writes_ add; the set: those with limits, and those whose rows are locked.
  std::map<Spid, std::optional<delivery::TenantRow>> read_tenants_;
  std::set<Spid> limited_;
  std::set<Spid> locked_tenants_;
  std::map<delivery::AnswerName, std::optional<delivery::AnswerRow>> read_answers_;
  std::map<std::string, std::uint64_t, std::less<>> read_answer_counts_;
  std::map<delivery::CampaignKey, std::vector<delivery::PhaseCount>> read_phases_;  // the same
  std::map<delivery::CampaignKey, std::optional<delivery::CampaignRow>> campaigns_;
  std::set<delivery::CampaignKey> changed_campaigns_;  // by this transaction
  std::map<delivery::CampaignKey, std::optional<delivery::CampaignRow>> campaigns_at_mark_;
  std::set<delivery::CampaignKey> changed_at_mark_;
  std::vector<std::pair<delivery::OrderKey, delivery::HistoryRow>> history_;  // out with the commit
  std::size_t history_mark_ = 0;                                              // in history_
  std::vector<delivery::AnswerRow> new_answers_;  // they go out with the commit, sorted
  std::size_t new_answers_mark_ = 0;              // in new_answers_
  std::vector<Bytes> audit_entries_;              // they go out with the commit
  std::size_t audit_mark_ = 0;                    // in audit_entries_
  std::vector<std::int64_t> audit_waiting_;       // ids that without_place() answered
  std::uint64_t audit_size_ = 0;                  // that take_head() answered
};

}  // namespace kagibin::store
