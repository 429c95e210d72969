// SPDX-License-Identifier: Apache-2.0
#include "tests/support/memory_orders/memory_order_store.h"

#include <utility>

#include "tests/support/memory_orders/memory_snapshot.h"
#include "tests/support/memory_orders/memory_transaction.h"

namespace kagibin::test {
namespace {

class MemoryOrderStore final : public delivery::OrderStore {
 public:
  explicit MemoryOrderStore(std::shared_ptr<OrderTables> tables) : tables_(std::move(tables)) {}

  Result<std::unique_ptr<delivery::OrderTransaction>> begin() override {
    KB_TRY(check());
    return std::make_unique<MemoryTransaction>(*tables_, open_);
  }
  Result<std::unique_ptr<delivery::StoreSnapshot>> snapshot() override {
    KB_TRY(check());
    return std::make_unique<MemorySnapshot>(*tables_, open_);
  }

 private:
  Result<void> check() const {
    if (open_) {
      return fail(Errc::kState, "the store's earlier transaction is still open");
    }
    if (tables_->is_taken) {
      return fail(Errc::kInterrupted, "another store's transaction is open");
    }
    return {};
  }
  std::shared_ptr<OrderTables> tables_;
  bool open_ = false;
};

}  // namespace

std::unique_ptr<delivery::OrderStore> memory_order_store(std::shared_ptr<OrderTables> tables) {
  return std::make_unique<MemoryOrderStore>(std::move(tables));
}

}  // namespace kagibin::test
