// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/journal_store.h"

#include <array>
#include <utility>

namespace kagibin::delivery {

std::string_view name(JournalStep step) {
  constexpr std::array<std::string_view, 6> kNames = {"order",   "request", "delivery",
                                                      "verdict", "answer",  "receipt"};
  return kNames.at(std::to_underlying(step));
}

Result<JournalBatch> JournalBatch::begin(JournalStore& journal) {
  KB_TRY(journal.begin_batch());
  return JournalBatch(journal);
}

JournalBatch::~JournalBatch() {
  if (journal_ != nullptr) {
    journal_->roll_back_batch();
  }
}

Result<void> JournalBatch::commit() {
  KB_TRY(journal_->commit_batch());
  journal_ = nullptr;
  return {};
}

}  // namespace kagibin::delivery
