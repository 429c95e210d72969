// SPDX-License-Identifier: Apache-2.0
// The invariants of the promises (I1 to I4, I6, I7), looked at when a world has come to rest: what
// really happened in every element, what every provider and the operator say of every order, what
// was acknowledged and whether it is there, and the audit log against all of it.
//
// I5 (secrets stand nowhere) is another test's: tests/secrets. Thread-safety: one thread.
//
//   for (const std::string& sentence : violations(world)) { ... }
#pragma once

#include <string>
#include <vector>

#include "tests/simulation/roles/distributor_process.h"
#include "tests/simulation/roles/provider_side.h"

namespace kagibin::simulation {

// One order, seen from everywhere.
struct SeenOrder {
  std::string name;  // PROVIDER/ORDER
  Evidence provider;
  bool was_asked_to_cancel = false;  // its receipt answers that attempt, too
  bool is_at_operator = false;
  delivery::State at_operator = delivery::State::kOrdered;
  std::uint32_t confirmed_attempts = 0;  // at the operator
  bool has_receipt_unread = false;       // an attempt waits there for a verdict
  std::uint32_t installs = 0;            // of its SEQ, in the element
  bool opens_with_its_keys = true;       // where it was the last to be installed, and confirmed
};

// I1, I3, I4 and I7 of one order.
std::vector<std::string> violations_of(const SeenOrder& seen);

// I2 of the operator: everything that was acknowledged is there, by asking for it once more.
std::vector<std::string> lost_acknowledgements(const Acknowledgements& book,
                                               delivery::HttpHandler& distributor,
                                               delivery::OrderStore& store);

// I7 of a campaign: it has ended, and none of its orders waits for what will not come.
std::vector<std::string> campaign_findings(const delivery::CampaignKey& campaign,
                                           delivery::OrderStore& store);

// I6: the log is what was signed, continues every checkpoint that was kept, and the store agrees.
std::vector<std::string> log_findings(const Acknowledgements& book,
                                      delivery::OrderStore& store,
                                      const kdo::VerifierKey& verifier);

}  // namespace kagibin::simulation
