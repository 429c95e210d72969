// SPDX-License-Identifier: Apache-2.0
// A role's stores: the real ones, between which and the role by the dice the process dies, before
// what it asked for became durable or after, and the disk is full or fails.
//
// Ownership: refer to what they are given. Thread-safety: one thread.
//
//   RoleAgentStore jobs(*real, role);
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kagibin/delivery/agent_store.h"
#include "kagibin/delivery/journal_store.h"

#include "tests/simulation/core/role.h"

namespace kagibin::simulation {

// Around each durable step of a role.
class DurableSteps {
 public:
  explicit DurableSteps(Role& role) : role_(role) {}

  template <typename Act>
  auto change(const Act& act) -> decltype(act()) {
    if (role_.may_die()) {
      return ended();
    }
    Faults& faults = role_.ground().faults;
    if (faults.hits(Fault::kStoreFull)) {
      return fail(Errc::kNoSpace, "the disk is full; nothing was changed");
    }
    if (faults.hits(Fault::kStoreFailed)) {
      return fail(Errc::kIo, "the disk failed; nothing was changed");
    }
    auto done = act();
    if (role_.may_die()) {
      return ended();
    }
    return done;
  }
  template <typename Act>
  auto look(const Act& act) -> decltype(act()) {
    if (role_.is_dead()) {
      return ended();
    }
    return act();
  }

 private:
  static std::unexpected<Error> ended() { return fail(Errc::kIo, "the process has ended"); }
  Role& role_;
};

class RoleAgentStore final : public delivery::AgentStore {
 public:
  RoleAgentStore(delivery::AgentStore& real, Role& role) : real_(real), steps_(role) {}

  Result<void> put_job(const delivery::AgentJob& job) override {
    return steps_.change([&] { return real_.put_job(job); });
  }
  Result<std::optional<delivery::AgentJob>> find_job(const delivery::OrderKey& order,
                                                     delivery::AttemptNumber attempt,
                                                     delivery::Work::Kind kind) override {
    return steps_.look([&] { return real_.find_job(order, attempt, kind); });
  }
  Result<std::vector<delivery::AgentJob>> jobs() override {
    return steps_.look([&] { return real_.jobs(); });
  }
  Result<void> remove_job(const delivery::OrderKey& order,
                          delivery::AttemptNumber attempt,
                          delivery::Work::Kind kind) override {
    return steps_.change([&] { return real_.remove_job(order, attempt, kind); });
  }
  Result<std::optional<std::int64_t>> server_time() override {
    return steps_.look([&] { return real_.server_time(); });
  }
  Result<void> set_server_time(std::int64_t seconds) override {
    return steps_.change([&] { return real_.set_server_time(seconds); });
  }

 private:
  delivery::AgentStore& real_;
  DurableSteps steps_;
};

class RoleJournal final : public delivery::JournalStore {
 public:
  RoleJournal(delivery::JournalStore& real, Role& role) : real_(real), steps_(role) {}
  // Sees every message that is in the journal now and will be sent.
  std::function<void(const delivery::JournalEntry&)> on_record{};

  Result<delivery::JournalOrder> open_order(const delivery::JournalOrder& order) override {
    return steps_.change([&] { return real_.open_order(order); });
  }
  Result<std::optional<delivery::JournalOrder>> find_order(
      const delivery::OrderId& order) override {
    return steps_.look([&] { return real_.find_order(order); });
  }
  Result<std::vector<delivery::JournalOrder>> orders(std::optional<delivery::State> state,
                                                     std::uint32_t limit) override {
    return steps_.look([&] { return real_.orders(state, limit); });
  }
  Result<std::vector<delivery::OrderId>> overdue_orders(std::int64_t now,
                                                        std::uint32_t limit) override {
    return steps_.look([&] { return real_.overdue_orders(now, limit); });
  }
  Result<void> set_state(const delivery::OrderId& order, delivery::State state) override {
    return steps_.change([&] { return real_.set_state(order, state); });
  }
  Result<delivery::JournalAttempt> open_attempt(const delivery::JournalAttempt& attempt) override {
    return steps_.change([&] { return real_.open_attempt(attempt); });
  }
  Result<std::optional<delivery::JournalAttempt>> find_attempt(
      const delivery::OrderId& order, delivery::AttemptNumber number) override {
    return steps_.look([&] { return real_.find_attempt(order, number); });
  }
  Result<void> set_receipt_key(const delivery::OrderId& order,
                               delivery::AttemptNumber number,
                               ByteView sealed_receipt_key) override {
    return steps_.change([&] { return real_.set_receipt_key(order, number, sealed_receipt_key); });
  }
  Result<void> record(const delivery::OrderId& order,
                      delivery::AttemptNumber attempt,
                      delivery::JournalStep step,
                      ByteView message) override {
    return steps_.change([&]() -> Result<void> {
      KB_TRY(real_.record(order, attempt, step, message));
      if (on_record) {
        on_record({.order = order,
                   .attempt = attempt,
                   .step = step,
                   .message = Bytes(message.begin(), message.end())});
      }
      return {};
    });
  }
  Result<void> acknowledge(const delivery::OrderId& order,
                           delivery::AttemptNumber attempt,
                           delivery::JournalStep step) override {
    return steps_.change([&] { return real_.acknowledge(order, attempt, step); });
  }
  Result<std::optional<delivery::JournalEntry>> find_entry(const delivery::OrderId& order,
                                                           delivery::AttemptNumber attempt,
                                                           delivery::JournalStep step) override {
    return steps_.look([&] { return real_.find_entry(order, attempt, step); });
  }
  Result<std::vector<delivery::JournalEntry>> unacknowledged() override {
    return steps_.look([&] { return real_.unacknowledged(); });
  }
  Result<void> put_record(std::string_view kind, ByteView key, ByteView value) override {
    return steps_.change([&] { return real_.put_record(kind, key, value); });
  }
  Result<void> claim_record(std::string_view kind, ByteView key, ByteView value) override {
    return steps_.change([&] { return real_.claim_record(kind, key, value); });
  }
  Result<std::optional<Bytes>> find_record(std::string_view kind, ByteView key) override {
    return steps_.look([&] { return real_.find_record(kind, key); });
  }
  Result<std::vector<std::pair<Bytes, Bytes>>> records(std::string_view kind) override {
    return steps_.look([&] { return real_.records(kind); });
  }
  Result<void> begin_batch() override { return real_.begin_batch(); }
  Result<void> commit_batch() override {
    return steps_.change([&] { return real_.commit_batch(); });
  }
  void roll_back_batch() override { real_.roll_back_batch(); }

 private:
  delivery::JournalStore& real_;
  DurableSteps steps_;
};

}  // namespace kagibin::simulation
