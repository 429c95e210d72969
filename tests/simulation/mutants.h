// SPDX-License-Identifier: Apache-2.0
// Roles that break a promise, to see that the checks see it. Each is the real role with something
// between it and its store or its network. For tests only.
//
//   World world({.seed = 7, .mutant = Mutant::kAnswersBeforeCommit});
#pragma once

#include <cstdint>
#include <memory>

#include "kagibin/delivery/agent_store.h"
#include "kagibin/delivery/http_port.h"
#include "kagibin/delivery/journal_store.h"
#include "kagibin/delivery/order_store.h"

#include "tests/simulation/core/faults.h"

namespace kagibin::simulation {

enum class Mutant : std::uint8_t {
  kNone,
  kAnswersBeforeCommit,  // the distributor says yes, and commits when the next one asks
  kLosesReceipts,        // the distributor takes one of some receipts and keeps it nowhere
  kLogsTwice,            // the distributor notes some changes twice in its log
  kForgetsJobs,          // the agent's store says yes to some jobs and writes nothing
  kMovesCursorFirst,     // the provider moves its cursor before it has done what was listed
  kForgetsInstalls,      // the element's memory falls back when its power is cut
};

inline constexpr std::size_t kMutants = 7;

std::unique_ptr<delivery::OrderStore> mutate(std::unique_ptr<delivery::OrderStore> store,
                                             Mutant mutant,
                                             Dice& dice);
std::shared_ptr<delivery::AgentStore> mutate(std::shared_ptr<delivery::AgentStore> store,
                                             Mutant mutant,
                                             Dice& dice);
// kMovesCursorFirst: sees an answer before the provider does.
void move_cursor_first(const delivery::HttpRequest& request,
                       const delivery::HttpResponse& answer,
                       delivery::JournalStore& journal);

}  // namespace kagibin::simulation
