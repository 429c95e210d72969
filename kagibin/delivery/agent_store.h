// SPDX-License-Identifier: Apache-2.0
// Port: the agent's one file. Nothing in it is secret; all of it came or goes in the clear over the
// operator's network. After a crash the agent reads its jobs, asks the KDA for STATUS and GET
// RECEIPT, and goes on.
//
// Every call is one transaction, durable when it returns. Failures: kNoSpace, kStore.
//
//   KB_TRY(store.put_job(job));                     // before the first APDU of the work
//   for (const AgentJob& job : KB_TRY(store.jobs())) { ... }
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/delivery/messages.h"

namespace kagibin::delivery {

struct AgentJob {
  enum class Stage : std::uint8_t {
    kFetched,   // the work is here, no APDU was sent
    kStarted,   // the element may have acted
    kAnswered,  // `answer` is here (E4 or E3), the distributor may not have it
    kDone,      // the distributor has it; kept until the next job of the same order
  };
  OrderKey order;
  AttemptNumber attempt = 1;
  Work::Kind kind = Work::Kind::kEnrol;
  Stage stage = Stage::kFetched;
  Bytes message{};                 // E0 or E2
  std::optional<Handle> handle{};  // of the KDA's slot, once known
  Bytes answer{};                  // E4 or E3; empty before kAnswered
  std::uint32_t tries = 0;
  std::int64_t updated_at = 0;
  friend bool operator==(const AgentJob&, const AgentJob&) = default;
};

class AgentStore {
 public:
  AgentStore() = default;
  AgentStore(const AgentStore&) = delete;
  AgentStore& operator=(const AgentStore&) = delete;
  virtual ~AgentStore() = default;

  // Inserts or replaces by (order, attempt, kind).
  virtual Result<void> put_job(const AgentJob& job) = 0;
  virtual Result<std::optional<AgentJob>> find_job(const OrderKey& order,
                                                   AttemptNumber attempt,
                                                   Work::Kind kind) = 0;
  // Oldest first.
  virtual Result<std::vector<AgentJob>> jobs() = 0;
  virtual Result<void> remove_job(const OrderKey& order,
                                  AttemptNumber attempt,
                                  Work::Kind kind) = 0;

  // The last time that the server told (protocol, section 7); only ever grows.
  virtual Result<std::optional<std::int64_t>> server_time() = 0;
  virtual Result<void> set_server_time(std::int64_t seconds) = 0;
};

}  // namespace kagibin::delivery
