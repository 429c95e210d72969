// SPDX-License-Identifier: Apache-2.0
// The service provider's messages on their way to the key distribution operator. Each stands in the
// journal before it is sent and is acknowledged there after the answer, so that after a crash the
// same octets go out again under the same names.
//
// Failures of a send: those of is_outage() and is_turned_down() (operator_refusal.h). Does not wait
// and does not retry. Ownership: refers to what it is given. Thread-safety: one thread.
//
//   Outbox outbox(flow, api, journal);
//   KB_TRY(outbox.submit(order.id));
//   KB_TRY(outbox.resend(report));
#pragma once

#include "kagibin/delivery/distributor_client.h"
#include "kagibin/delivery/journal_store.h"
#include "kagibin/roles/service_provider/client/run_report.h"
#include "kagibin/roles/service_provider/order_flow.h"

namespace kagibin::roles::service_provider {

class Outbox {
 public:
  Outbox(OrderFlow& flow, delivery::ProviderApi& api, delivery::JournalStore& journal)
      : flow_(flow), api_(api), journal_(journal) {}

  // The last attempt whose request is in the journal. One that was opened when the process ended,
  // or when its disk was full, has none: it is the next one.
  Checked<delivery::AttemptNumber> last_requested(const delivery::JournalOrder& order);

  // The order and its first attempt, in this order in the journal before either is sent.
  Checked<void> submit(const delivery::OrderId& order);

  // What is in the journal already.
  Checked<void> send_request(const delivery::OrderId& order, const Outgoing& request);
  Checked<void> send_delivery(const delivery::OrderId& order,
                              delivery::AttemptNumber attempt,
                              ByteView envelope);
  Checked<void> send_verdict(const delivery::OrderId& order,
                             delivery::AttemptNumber attempt,
                             const delivery::VerdictMessage& verdict);

  // Everything that was not acknowledged, once more; what is turned down is noted and rests. A
  // verdict that a later receipt overtook rests without a word: that receipt is judged next.
  Checked<void> resend(RunReport& report);
  // Orders that were opened and never got their first attempt, because the process ended in
  // between or its journal failed. Looks once, and again after such a failure.
  Checked<void> submit_forgotten();

 private:
  // Both are in the journal afterwards; what opens the attempt is answered.
  Checked<Outgoing> record_order(const delivery::OrderId& order);
  Checked<void> send_order(const delivery::OrderId& order);
  Checked<void> send(const delivery::JournalEntry& entry);
  Checked<bool> is_overtaken(const delivery::JournalEntry& entry);

  OrderFlow& flow_;
  delivery::ProviderApi& api_;
  delivery::JournalStore& journal_;
  bool looked_for_forgotten_ = false;
};

}  // namespace kagibin::roles::service_provider
