// SPDX-License-Identifier: Apache-2.0
// Orders that were sealed at once, by an enrolment that waited, and of which nothing came back: an
// element that no longer knows that enrolment refuses LOAD, has no receipt to give, and the
// operator cannot say so. After a while the provider asks by E0 (doc/decisions/0017).
//
// Kept in memory; found again in the journal when the process starts, which only delays.
// Thread-safety: one thread.
//
//   SilentDeliveries silent(flow, journal, 900);
//   for (const OrderId& order : KB_TRY(silent.due(now))) { ... }
#pragma once

#include <map>
#include <string>
#include <vector>

#include "kagibin/delivery/journal_store.h"
#include "kagibin/roles/service_provider/order_flow.h"

namespace kagibin::roles::service_provider {

class SilentDeliveries {
 public:
  // `after_seconds` of silence; 0: nothing is ever due.
  SilentDeliveries(const OrderFlow& flow,
                   delivery::JournalStore& journal,
                   std::uint32_t after_seconds)
      : flow_(flow), journal_(journal), after_seconds_(after_seconds) {}

  // The device fetched this attempt, now.
  Checked<void> handed_over(const delivery::OrderId& order, delivery::AttemptNumber attempt);
  // Orders that wait in their first attempt, sealed at once, for longer than that, a hundred at
  // most: the rest come in the calls behind this one. Each is told once more after as long again.
  Checked<std::vector<delivery::OrderId>> due();

 private:
  Checked<void> note(const delivery::OrderId& order,
                     delivery::AttemptNumber attempt,
                     std::int64_t since);
  Checked<void> find_in_journal();

  const OrderFlow& flow_;
  delivery::JournalStore& journal_;
  std::uint32_t after_seconds_;
  bool is_found_ = false;
  std::string last_looked_at_;
  std::map<std::string, std::int64_t, std::less<>> since_;  // by order
};

}  // namespace kagibin::roles::service_provider
