// SPDX-License-Identifier: Apache-2.0
// The distributors' store: one of them, of which every distributor has its own store object, as
// processes that share a database have; what one announces the others hear. By the dice begin and
// commit fail as delivery/order_store.h says they may, and the distributor dies before and after
// the commit.
//
// Ownership: refers to the ground and the stores. Thread-safety: one thread.
//
//   SharedStore shared(ground, stores, path);
//   auto store = KB_TRY(shared.open(listener, [&] { return is_dead; }));
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kagibin/delivery/order_store.h"

#include "tests/simulation/core/role.h"
#include "tests/simulation/roles/stores.h"

namespace kagibin::simulation {

class SharedStore {
 public:
  SharedStore(Ground& ground, Stores& stores, std::filesystem::path path)
      : ground_(ground), stores_(stores), path_(std::move(path)) {}

  // What a process says of itself when it is about to take a durable step: true when it is dead.
  using MayDie = std::function<bool()>;
  // `number` tells the distributors apart.
  Result<std::unique_ptr<delivery::OrderStore>> open(std::size_t number, MayDie may_die);
  // Without faults, for checks.
  Result<std::unique_ptr<delivery::OrderStore>> open_quietly();

  // For mutants: what stands between the file and every distributor.
  using Between =
      std::function<std::unique_ptr<delivery::OrderStore>(std::unique_ptr<delivery::OrderStore>)>;
  void put_between(Between between) { between_ = std::move(between); }

 private:
  friend class SharedOrderStore;
  friend class SharedTransaction;
  Ground& ground_;
  Stores& stores_;
  std::filesystem::path path_;
  Between between_;
  std::map<std::size_t, std::vector<std::string>> news_;  // by who has not heard it yet
};

// A transaction that hands everything on to another one.
class ForwardingTransaction : public delivery::OrderTransaction {
 public:
  explicit ForwardingTransaction(std::unique_ptr<delivery::OrderTransaction> inner)
      : inner_(std::move(inner)) {}
  Result<void> expect(const delivery::Expectation& expectation) override {
    return inner_->expect(expectation);
  }
  Result<std::optional<delivery::OrderRow>> find_order(const delivery::OrderKey& order) override {
    return inner_->find_order(order);
  }
  Result<void> insert_order(const delivery::OrderRow& row) override {
    return inner_->insert_order(row);
  }
  Result<void> update_order(const delivery::OrderRow& row) override {
    return inner_->update_order(row);
  }
  Result<std::optional<delivery::AttemptRow>> find_attempt(
      const delivery::OrderKey& order, delivery::AttemptNumber number) override {
    return inner_->find_attempt(order, number);
  }
  Result<std::vector<delivery::AttemptRow>> attempts_of(const delivery::OrderKey& order) override {
    return inner_->attempts_of(order);
  }
  Result<void> insert_attempt(const delivery::AttemptRow& row) override {
    return inner_->insert_attempt(row);
  }
  Result<void> update_attempt(const delivery::AttemptRow& row) override {
    return inner_->update_attempt(row);
  }
  Result<std::vector<Bytes>> receipts_of(const delivery::OrderKey& order,
                                         delivery::AttemptNumber number) override {
    return inner_->receipts_of(order, number);
  }
  Result<void> insert_receipt(const delivery::OrderKey& order,
                              delivery::AttemptNumber number,
                              std::uint32_t revision,
                              ByteView receipt) override {
    return inner_->insert_receipt(order, number, revision, receipt);
  }
  Result<std::optional<delivery::AttemptRow>> next_work(const delivery::DeviceId& device,
                                                        std::uint64_t after) override {
    return inner_->next_work(device, after);
  }
  Result<std::vector<delivery::AttemptRow>> list(const Spid& provider,
                                                 std::optional<delivery::State> state,
                                                 std::uint64_t after,
                                                 std::uint32_t limit) override {
    return inner_->list(provider, state, after, limit);
  }
  Result<std::vector<delivery::AttemptRow>> overdue_attempts(std::int64_t now,
                                                             std::uint32_t limit) override {
    return inner_->overdue_attempts(now, limit);
  }
  Result<std::vector<delivery::OrderRow>> overdue_orders(std::int64_t now,
                                                         std::uint32_t limit) override {
    return inner_->overdue_orders(now, limit);
  }
  Result<std::optional<delivery::InvitationRow>> find_invitation(ByteView token_hash) override {
    return inner_->find_invitation(token_hash);
  }
  Result<void> insert_invitation(const delivery::InvitationRow& row) override {
    return inner_->insert_invitation(row);
  }
  Result<void> update_invitation(const delivery::InvitationRow& row) override {
    return inner_->update_invitation(row);
  }
  Result<std::vector<delivery::OrderCount>> order_counts(
      const std::optional<Spid>& provider) override {
    return inner_->order_counts(provider);
  }
  delivery::TenantRows& tenants() override { return inner_->tenants(); }
  delivery::AnswerRows& answers() override { return inner_->answers(); }
  delivery::CampaignRows& campaigns() override { return inner_->campaigns(); }
  delivery::AuditRows& audit() override { return inner_->audit(); }
  Result<void> mark() override { return inner_->mark(); }
  Result<void> roll_back_to_mark() override { return inner_->roll_back_to_mark(); }
  void announce(const std::vector<std::string>& topics) override { inner_->announce(topics); }
  Result<void> commit() override { return inner_->commit(); }

 protected:
  delivery::OrderTransaction& inner() { return *inner_; }
  std::unique_ptr<delivery::OrderTransaction> take_inner() { return std::move(inner_); }

 private:
  std::unique_ptr<delivery::OrderTransaction> inner_;
};

}  // namespace kagibin::simulation
