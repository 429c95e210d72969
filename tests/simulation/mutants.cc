// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/mutants.h"

#include <utility>
#include <vector>

#include "kagibin/delivery/messages.h"
#include "kagibin/delivery/store_snapshot.h"

#include "tests/simulation/roles/shared_store.h"

namespace kagibin::simulation {
namespace {

constexpr double kSometimes = 0.3;

// Writes every entry once more.
class TwiceLogged final : public delivery::AuditRows {
 public:
  TwiceLogged(delivery::AuditRows& real, Dice& dice) : real_(real), dice_(dice) {}
  Result<void> append(ByteView entry) override {
    if (dice_.hits(kSometimes)) {
      KB_TRY(real_.append(entry));
    }
    return real_.append(entry);
  }
  Result<std::vector<Bytes>> without_place(std::uint32_t limit) override {
    return real_.without_place(limit);
  }
  Result<std::optional<delivery::AuditHead>> take_head() override { return real_.take_head(); }
  Result<std::vector<delivery::AuditTile>> tiles(
      std::span<const delivery::AuditTileName> names) override {
    return real_.tiles(names);
  }
  Result<void> extend(const delivery::AuditHead& head,
                      std::span<const delivery::AuditTile> tiles) override {
    return real_.extend(head, tiles);
  }

 private:
  delivery::AuditRows& real_;
  Dice& dice_;
};

class MutantOrderStore;

class MutantTransaction final : public ForwardingTransaction {
 public:
  MutantTransaction(std::unique_ptr<delivery::OrderTransaction> inner,
                    MutantOrderStore& store,
                    Mutant mutant,
                    Dice& dice)
      : ForwardingTransaction(std::move(inner)),
        store_(store),
        mutant_(mutant),
        twice_(ForwardingTransaction::audit(), dice),
        dice_(dice) {}
  delivery::AuditRows& audit() override {
    return mutant_ == Mutant::kLogsTwice ? static_cast<delivery::AuditRows&>(twice_)
                                         : ForwardingTransaction::audit();
  }
  Result<void> insert_receipt(const delivery::OrderKey& order,
                              delivery::AttemptNumber number,
                              std::uint32_t revision,
                              ByteView receipt) override {
    if (mutant_ == Mutant::kLosesReceipts && dice_.hits(kSometimes)) {
      return {};
    }
    return ForwardingTransaction::insert_receipt(order, number, revision, receipt);
  }
  Result<void> commit() override;

 private:
  MutantOrderStore& store_;
  Mutant mutant_;
  TwiceLogged twice_;
  Dice& dice_;
};

class MutantOrderStore final : public delivery::OrderStore {
 public:
  MutantOrderStore(std::unique_ptr<delivery::OrderStore> real, Mutant mutant, Dice& dice)
      : real_(std::move(real)), mutant_(mutant), dice_(dice) {}
  Result<std::unique_ptr<delivery::OrderTransaction>> begin() override {
    if (late_) {
      KB_TRY(std::exchange(late_, nullptr)->commit());
    }
    return std::make_unique<MutantTransaction>(KB_TRY(real_->begin()), *this, mutant_, dice_);
  }
  Result<std::unique_ptr<delivery::StoreSnapshot>> snapshot() override { return real_->snapshot(); }
  delivery::News news() override { return real_->news(); }
  // Of requests that are answered already; gone when the process is killed meanwhile.
  void commit_later(std::unique_ptr<delivery::OrderTransaction> transaction) {
    late_ = std::move(transaction);
  }

 private:
  std::unique_ptr<delivery::OrderStore> real_;
  Mutant mutant_;
  Dice& dice_;
  std::unique_ptr<delivery::OrderTransaction> late_;
};

Result<void> MutantTransaction::commit() {
  if (mutant_ == Mutant::kAnswersBeforeCommit) {
    store_.commit_later(take_inner());
    return {};
  }
  return ForwardingTransaction::commit();
}

class ForgetfulAgentStore final : public delivery::AgentStore {
 public:
  ForgetfulAgentStore(std::shared_ptr<delivery::AgentStore> real, Dice& dice)
      : real_(std::move(real)), dice_(dice) {}
  Result<void> put_job(const delivery::AgentJob& job) override {
    return dice_.hits(kSometimes) ? Result<void>() : real_->put_job(job);
  }
  Result<std::optional<delivery::AgentJob>> find_job(const delivery::OrderKey& order,
                                                     delivery::AttemptNumber attempt,
                                                     delivery::Work::Kind kind) override {
    return real_->find_job(order, attempt, kind);
  }
  Result<std::vector<delivery::AgentJob>> jobs() override { return real_->jobs(); }
  Result<void> remove_job(const delivery::OrderKey& order,
                          delivery::AttemptNumber attempt,
                          delivery::Work::Kind kind) override {
    return real_->remove_job(order, attempt, kind);
  }
  Result<std::optional<std::int64_t>> server_time() override { return real_->server_time(); }
  Result<void> set_server_time(std::int64_t seconds) override {
    return real_->set_server_time(seconds);
  }

 private:
  std::shared_ptr<delivery::AgentStore> real_;
  Dice& dice_;
};

}  // namespace

std::unique_ptr<delivery::OrderStore> mutate(std::unique_ptr<delivery::OrderStore> store,
                                             Mutant mutant,
                                             Dice& dice) {
  return std::make_unique<MutantOrderStore>(std::move(store), mutant, dice);
}

std::shared_ptr<delivery::AgentStore> mutate(std::shared_ptr<delivery::AgentStore> store,
                                             Mutant mutant,
                                             Dice& dice) {
  if (mutant != Mutant::kForgetsJobs) {
    return store;
  }
  return std::make_shared<ForgetfulAgentStore>(std::move(store), dice);
}

void move_cursor_first(const delivery::HttpRequest& request,
                       const delivery::HttpResponse& answer,
                       delivery::JournalStore& journal) {
  constexpr int kOk = 200;
  if (!request.target.starts_with("/v1/orders?") || answer.status != kOk) {
    return;
  }
  if (const auto listing = delivery::order_listing_from_json(answer.body)) {
    static_cast<void>(journal.put_record("cursor", ascii("orders"), ascii(listing->next)));
  }
}

}  // namespace kagibin::simulation
