// SPDX-License-Identifier: Apache-2.0
// The service provider's messages on their way to the key distribution operator. Each stands in the
// journal before it is sent and is acknowledged there after the answer, so that after a crash the
// same octets go out again under the same names.
//
// Many orders are opened in one commit and sent in one request (delivery/submission.h): up to 64,
// as many as its body takes. One that the operator does not take yet, because it limits how many
// orders we open, stays unacknowledged, and so do those behind it; so does a further attempt over
// that limit. That an order was turned down, or not sent because it had ended before, stays in the
// journal. One that is taken back while it is on its way is withdrawn behind it, and only then
// acknowledged.
//
// Failures of a send: those of is_outage() and is_turned_down() (operator_refusal.h). Does not wait
// and does not retry. Ownership: refers to what it is given. Thread-safety: one thread.
//
//   Outbox outbox(flow, api, journal);
//   KB_TRY(outbox.submit(order.id));
//   KB_TRY(outbox.resend(report));
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kagibin/delivery/distributor_client.h"
#include "kagibin/delivery/journal_store.h"
#include "kagibin/roles/service_provider/client/run_report.h"
#include "kagibin/roles/service_provider/order_flow.h"

namespace kagibin::roles::service_provider {

// What came of opening many: those before the first that was refused, and why that one was.
struct OpenedOrders {
  std::vector<delivery::JournalOrder> orders;
  std::optional<Problem> refused;
};

// What came of sending many; the rest of them was not sent.
struct SentOrders {
  std::size_t taken = 0;        // now or before
  std::size_t turned_down = 0;  // now or before, and said so in the report
  std::size_t over_limit = 0;   // to be sent again, when retry_after_seconds are over
  std::uint32_t retry_after_seconds = 0;
  // Those that were not sent, now or before: expired by our own clock, or taken back.
  std::vector<delivery::OrderId> expired{};
  std::vector<delivery::OrderId> cancelled{};
};

// What the operator said to a withdrawal.
enum class Withdrawal : std::uint8_t {
  kDone,
  kNotThere,  // it has no such attempt
  kTooLate,   // the attempt was handed over, or has ended
};

class Outbox {
 public:
  Outbox(OrderFlow& flow, delivery::ProviderApi& api, delivery::JournalStore& journal)
      : flow_(flow), api_(api), journal_(journal) {}

  // The last attempt whose request is in the journal. One that was opened when the process ended,
  // or when its disk was full, has none: it is the next one.
  Checked<delivery::AttemptNumber> last_requested(const delivery::JournalOrder& order);

  // The order and its first attempt, in this order in the journal before either is sent.
  Checked<void> submit(const delivery::OrderId& order);

  // Opens the orders and records their first attempts; sends nothing. Stops before the first that
  // cannot be opened. Several are one commit, and after a failure (is_outage()) none of them is
  // there that was not before; where a token makes their KEM keys, each is by itself. An order
  // whose attempt cannot be made stands in the report.
  Checked<OpenedOrders> open(std::span<const OrderWish> wishes, RunReport& report);
  // Orders of the journal with their first attempts, but those that were acknowledged. Stops at the
  // first request that has one over the limit.
  Checked<SentOrders> send_orders(std::span<const delivery::OrderId> orders, RunReport& report);
  // Until orders and further attempts may be sent again that were over the limit; 0: now.
  std::uint32_t seconds_until_orders() const;

  // What is in the journal already.
  Checked<void> send_request(const delivery::OrderId& order, const Outgoing& request);
  // The same in a run: one that is over the limit, or is turned down, is left to resend().
  Checked<void> send_further(const delivery::OrderId& order,
                             const Outgoing& request,
                             RunReport& report);
  Checked<void> send_delivery(const delivery::OrderId& order,
                              delivery::AttemptNumber attempt,
                              ByteView envelope);
  // Of an order that was taken back. May be repeated; fails with not_withdrawn().
  Checked<Withdrawal> withdraw(const delivery::OrderId& order, delivery::AttemptNumber attempt);
  Checked<void> send_verdict(const delivery::OrderId& order,
                             delivery::AttemptNumber attempt,
                             const delivery::VerdictMessage& verdict);

  // Everything that was not acknowledged, once more; what is turned down is noted and rests. A
  // verdict that a later receipt overtook rests without a word: that receipt is judged next.
  Checked<void> resend(RunReport& report);
  // Orders that were opened and never got their first attempt, because the process ended in
  // between or its journal failed. Looks once, and again after such a failure.
  Checked<void> submit_forgotten(RunReport& report);

 private:
  // An order of the journal and what opens its first attempt.
  struct WholeOrder {
    delivery::JournalOrder order;
    delivery::SubmittedOrder submitted;
  };
  struct Limit {
    std::int64_t since = 0;
    std::int64_t until = 0;
  };

  static Checked<delivery::OrderRequest> request_of(const delivery::JournalOrder& order);
  // Both are in the journal afterwards; what opens the attempt is answered.
  Checked<Outgoing> record_order(const delivery::OrderId& order);
  // Empty where it was acknowledged, has ended, or has no attempt yet.
  Checked<std::optional<WholeOrder>> unsent(const delivery::OrderId& order,
                                            SentOrders& sent,
                                            RunReport& report);
  Checked<void> send_batch(std::span<const WholeOrder> batch, SentOrders& sent, RunReport& report);
  Checked<void> note_results(std::span<const WholeOrder> batch,
                             std::span<const delivery::SubmissionResult> results,
                             SentOrders& sent,
                             RunReport& report);
  // Where the operator takes none of them in one request.
  Checked<void> send_singly(std::span<const WholeOrder> batch, SentOrders& sent, RunReport& report);
  Checked<bool> send_by_itself(const WholeOrder& whole, RunReport& report);
  Checked<void> acknowledge_both(const delivery::OrderId& order);
  // For whoever orders it again: the name of the error.
  Checked<std::optional<Bytes>> turned_down_before(const delivery::OrderId& order);
  Checked<void> keep_turned_down(const delivery::OrderId& order, Errc why);
  // Before what was sent of it is acknowledged: whoever ends between sends both again.
  Checked<void> withdraw_if_cancelled(const delivery::OrderId& order,
                                      delivery::AttemptNumber attempt);
  // True for one that ended before it was sent: it is not sent any more, which is noted. One that
  // was taken back and `is_known` to the operator, or stands there, is sent, to be withdrawn.
  Checked<bool> ended_unsent(const delivery::JournalOrder& order, bool is_known);
  Checked<bool> stands_without_attempt(const delivery::OrderId& order);
  // True where one of them has ended unsent: it is acknowledged.
  Checked<bool> settle_ended(std::span<const delivery::JournalEntry> entries);
  Checked<bool> noted_unsent(const delivery::JournalOrder& order);
  // Whether it was the limit that the last request failed by.
  bool is_over_limit(Errc code) const;
  std::uint32_t note_limit();
  // False when it is over the limit.
  Checked<bool> resend_one(const delivery::JournalEntry& entry, RunReport& report);
  Checked<void> submit_or_record(const delivery::OrderId& order);
  // True when it was taken; one that is turned down is noted and rests.
  Checked<bool> send_or_note(const delivery::JournalEntry& entry, RunReport& report);
  Checked<void> send_order(const delivery::OrderId& order);
  Checked<void> send(const delivery::JournalEntry& entry);
  Checked<bool> is_overtaken(const delivery::JournalEntry& entry);

  OrderFlow& flow_;
  delivery::ProviderApi& api_;
  delivery::JournalStore& journal_;
  bool looked_for_forgotten_ = false;
  std::size_t batch_ = delivery::kMaxSubmitted;  // orders a request: fewer while there is a limit
  std::optional<Limit> limit_;
};

}  // namespace kagibin::roles::service_provider
