// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/roles/shared_store.h"

#include <utility>

#include "kagibin/delivery/store_snapshot.h"

namespace kagibin::simulation {

// What one of several distributors announced, until the others have heard of it.
class SharedTransaction final : public ForwardingTransaction {
 public:
  SharedTransaction(std::unique_ptr<delivery::OrderTransaction> inner,
                    SharedStore& shared,
                    std::size_t number,
                    SharedStore::MayDie may_die)
      : ForwardingTransaction(std::move(inner)),
        shared_(shared),
        number_(number),
        may_die_(std::move(may_die)) {}

  void announce(const std::vector<std::string>& topics) override {
    topics_.insert(topics_.end(), topics.begin(), topics.end());
  }
  Result<void> commit() override {
    Faults& faults = shared_.ground_.faults;
    if (may_die_()) {
      return fail(Errc::kIo, "the process has ended");
    }
    if (faults.hits(Fault::kStoreFull)) {
      return fail(Errc::kNoSpace, "the disk is full; nothing was changed");
    }
    if (faults.hits(Fault::kStoreFailed)) {
      return fail(Errc::kIo, "the disk failed; nothing was changed");
    }
    const bool unsaid = faults.hits(Fault::kCommitUnsaid);
    if (unsaid && faults.dice().hits(0.5)) {
      return fail(Errc::kInterrupted, "others were in the way");
    }
    KB_TRY(inner().commit());
    for (auto& [other, news] : shared_.news_) {
      if (other != number_) {
        news.insert(news.end(), topics_.begin(), topics_.end());
      }
    }
    if (may_die_()) {
      return fail(Errc::kIo, "the process has ended");
    }
    if (unsaid) {
      return fail(Errc::kInterrupted, "the store went away after the commit was sent");
    }
    return {};
  }

 private:
  SharedStore& shared_;
  std::size_t number_;
  SharedStore::MayDie may_die_;
  std::vector<std::string> topics_;
};

class SharedOrderStore final : public delivery::OrderStore {
 public:
  SharedOrderStore(std::unique_ptr<delivery::OrderStore> real,
                   SharedStore& shared,
                   std::size_t number,
                   SharedStore::MayDie may_die)
      : real_(std::move(real)), shared_(shared), number_(number), may_die_(std::move(may_die)) {}

  Result<std::unique_ptr<delivery::OrderTransaction>> begin() override {
    if (may_die_()) {
      return fail(Errc::kIo, "the process has ended");
    }
    if (shared_.ground_.faults.hits(Fault::kStoreFailed)) {
      return fail(Errc::kIo, "the disk failed; nothing was changed");
    }
    return std::make_unique<SharedTransaction>(KB_TRY(real_->begin()), shared_, number_, may_die_);
  }
  Result<std::unique_ptr<delivery::StoreSnapshot>> snapshot() override { return real_->snapshot(); }
  delivery::News news() override {
    return {.topics = std::exchange(shared_.news_[number_], {}), .missed = false};
  }

 private:
  std::unique_ptr<delivery::OrderStore> real_;
  SharedStore& shared_;
  std::size_t number_;
  SharedStore::MayDie may_die_;
};

Result<std::unique_ptr<delivery::OrderStore>> SharedStore::open(std::size_t number,
                                                                MayDie may_die) {
  std::unique_ptr<delivery::OrderStore> real = KB_TRY(stores_.open_orders(path_));
  if (between_) {
    real = between_(std::move(real));
  }
  news_[number].clear();
  return std::make_unique<SharedOrderStore>(std::move(real), *this, number, std::move(may_die));
}

Result<std::unique_ptr<delivery::OrderStore>> SharedStore::open_quietly() {
  return stores_.open_orders(path_);
}

}  // namespace kagibin::simulation
