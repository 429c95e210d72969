// SPDX-License-Identifier: Apache-2.0
// The service provider's journal in memory, with the rules of delivery/journal_store.h: for whole
// deployments in one process. State can be copied out and put back, and the N-th change can fail as
// on a full disk. For tests only. Thread-safety: none.
//
//   MemoryJournal journal;
//   const MemoryJournal::State before = journal.state();
//   journal.fail_at(3);                       // the third change from now: kNoSpace, nothing
//   changed journal.restore(before);
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "kagibin/delivery/journal_store.h"

namespace kagibin::test {

class MemoryJournal final : public delivery::JournalStore {
 public:
  using EntryName = std::tuple<delivery::OrderId, delivery::AttemptNumber, delivery::JournalStep>;
  struct State {
    std::vector<delivery::JournalOrder> orders;
    std::map<std::pair<delivery::OrderId, delivery::AttemptNumber>, delivery::JournalAttempt>
        attempts;
    std::map<EntryName, delivery::JournalEntry> entries;
    std::map<EntryName, std::uint64_t> positions;
    std::map<std::pair<std::string, Bytes>, Bytes> records;
    std::uint64_t position = 0;
  };

  const State& state() const { return state_; }
  void restore(const State& state);
  std::uint64_t changes() const { return changes_; }
  // Counts from 1, from now on; 0: never.
  void fail_at(std::uint64_t change) { fails_in_ = change; }
  // What another process does before the N-th look at a record from now, counted from 1.
  void meanwhile(std::uint64_t look, std::function<void()> other) {
    look_ = look;
    other_ = std::move(other);
  }

  Result<delivery::JournalOrder> open_order(const delivery::JournalOrder& order) override;
  Result<std::optional<delivery::JournalOrder>> find_order(const delivery::OrderId& order) override;
  Result<std::vector<delivery::JournalOrder>> orders(std::optional<delivery::State> state,
                                                     std::uint32_t limit) override;
  Result<std::vector<delivery::OrderId>> overdue_orders(std::int64_t now,
                                                        std::uint32_t limit) override;
  Result<void> set_state(const delivery::OrderId& order, delivery::State state) override;
  Result<delivery::JournalAttempt> open_attempt(const delivery::JournalAttempt& attempt) override;
  Result<std::optional<delivery::JournalAttempt>> find_attempt(
      const delivery::OrderId& order, delivery::AttemptNumber number) override;
  Result<void> set_receipt_key(const delivery::OrderId& order,
                               delivery::AttemptNumber number,
                               ByteView sealed_receipt_key) override;
  Result<void> record(const delivery::OrderId& order,
                      delivery::AttemptNumber attempt,
                      delivery::JournalStep step,
                      ByteView message) override;
  Result<void> acknowledge(const delivery::OrderId& order,
                           delivery::AttemptNumber attempt,
                           delivery::JournalStep step) override;
  Result<std::optional<delivery::JournalEntry>> find_entry(const delivery::OrderId& order,
                                                           delivery::AttemptNumber attempt,
                                                           delivery::JournalStep step) override;
  Result<std::vector<delivery::JournalEntry>> unacknowledged() override;
  Result<void> put_record(std::string_view kind, ByteView key, ByteView value) override;
  Result<void> claim_record(std::string_view kind, ByteView key, ByteView value) override;
  Result<std::optional<Bytes>> find_record(std::string_view kind, ByteView key) override;
  Result<std::vector<std::pair<Bytes, Bytes>>> records(std::string_view kind) override;
  Result<void> begin_batch() override;
  Result<void> commit_batch() override;
  void roll_back_batch() override;

 private:
  Result<void> change();
  Result<delivery::JournalOrder*> order_named(const delivery::OrderId& order);

  void index();

  State state_;
  // By which what is asked for often is found.
  std::map<delivery::OrderId, std::size_t> places_;     // among the orders
  std::map<std::pair<Seid, Aid>, std::uint32_t> seqs_;  // the last ones
  std::map<std::uint64_t, EntryName> unacknowledged_;   // by position
  std::optional<State> before_batch_;
  std::uint64_t changes_ = 0;
  std::uint64_t fails_in_ = 0;
  std::uint64_t look_ = 0;
  std::function<void()> other_{};
};

}  // namespace kagibin::test
