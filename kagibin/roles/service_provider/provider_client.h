// SPDX-License-Identifier: Apache-2.0
// Drives the service provider's orders against the key distribution operator's API: sends what the
// journal holds, follows what changed, and acts on it (protocol, section 4).
//
// Every message is in the journal before it is sent and acknowledged there after the answer; after
// a crash resend() sends the same octets again under the same names. One order's trouble never
// stops the others: it stands in the report. What the operator is told as a reason names no
// element, no code and no key version. Does not wait and does not retry: call run_once() again,
// after retry_after_seconds when the report has one. Ownership: refers to what it is given.
// Thread-safety: one thread.
//
//   ProviderClient client(flow, api, journal, {});
//   KB_TRY(client.submit(order.id));
//   for (;;) { const RunReport report = KB_TRY(client.run_once()); ... }
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kagibin/delivery/distributor_client.h"
#include "kagibin/delivery/journal_store.h"
#include "kagibin/roles/service_provider/order_flow.h"

namespace kagibin::roles::service_provider {

struct ClientOptions {
  // Ask the element again by itself after "unknown" and after a refusal before opening, up to this
  // many attempts of an order; 1: never.
  delivery::AttemptNumber automatic_attempts = 4;
};

// One thing that happened to one order.
struct RunEvent {
  delivery::OrderId order;
  delivery::AttemptNumber attempt = 0;
  delivery::State state = delivery::State::kOrdered;  // as we see it
  std::string text;                                   // one sentence
  bool trouble = false;                               // needs somebody to look
};

struct RunReport {
  std::vector<RunEvent> events;
  bool more = false;  // call again at once
  std::optional<std::uint32_t> retry_after_seconds;
};

class ProviderClient {
 public:
  ProviderClient(OrderFlow& flow,
                 delivery::ProviderApi& api,
                 delivery::JournalStore& journal,
                 const ClientOptions& options)
      : flow_(flow), api_(api), journal_(journal), options_(options) {}

  // Sends the order and its first attempt. After a failure of the network the journal holds both:
  // run_once() sends them again.
  Checked<void> submit(const delivery::OrderId& order);
  // Opens the next attempt by hand, after "refused" or "unknown".
  Checked<void> retry(const delivery::OrderId& order);
  // Takes the order back: at the operator while nobody fetched it, by a signed cancellation else.
  Checked<void> cancel(const delivery::OrderId& order);

  // Sends again what was not acknowledged, then one page of what changed. Fails only when the
  // operator or the journal cannot be reached at all.
  Checked<RunReport> run_once();

 private:
  Checked<void> resend(RunReport& report);
  Checked<void> submit_forgotten();
  Checked<void> send(const delivery::JournalEntry& entry);
  Checked<void> send_order(const delivery::OrderId& order);
  Checked<void> send_request(const delivery::OrderId& order, const Outgoing& request);
  Checked<void> send_verdict(const delivery::OrderId& order,
                             delivery::AttemptNumber attempt,
                             const delivery::VerdictMessage& verdict);
  Checked<std::vector<delivery::ListedAttempt>> pending();
  Checked<void> work_on(const delivery::ListedAttempt& change, RunReport& report);
  Checked<void> follow(const delivery::ListedAttempt& change, RunReport& report);
  static Checked<void> turned_down(const delivery::ListedAttempt& change,
                                   const Error& error,
                                   RunReport& report);
  Checked<void> withdraw(const delivery::ListedAttempt& change, std::string_view reason);
  Checked<void> seal(const delivery::ListedAttempt& change, RunReport& report);
  Checked<void> judge(const delivery::ListedAttempt& change, RunReport& report);
  Checked<void> expire(const delivery::ListedAttempt& change, RunReport& report);
  Checked<void> ask_again(const delivery::ListedAttempt& change, RunReport& report);

  OrderFlow& flow_;
  delivery::ProviderApi& api_;
  delivery::JournalStore& journal_;
  ClientOptions options_;
  bool looked_for_forgotten_ = false;
};

}  // namespace kagibin::roles::service_provider
