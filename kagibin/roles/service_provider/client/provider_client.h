// SPDX-License-Identifier: Apache-2.0
// Drives the service provider's orders against the key distribution operator's API: sends what the
// journal holds, follows what changed, and acts on it (protocol, section 4).
//
// Every message is in the journal before it is sent (outbox.h). One order's trouble never stops the
// others: it stands in the report. What the operator is told as a reason names no element, no code
// and no key version. That an order's time has run out is decided by our own clock, whatever the
// operator says. Waits at the operator only, and does not retry: call run_once() again, after
// retry_after_seconds when the report has one. Ownership: refers to what it is given.
// Thread-safety: one thread.
//
//   ProviderClient client(flow, api, journal, {});
//   KB_TRY(client.submit(order.id));
//   for (;;) { const RunReport report = KB_TRY(client.run_once(20)); ... }
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "kagibin/delivery/distributor_client.h"
#include "kagibin/delivery/journal_store.h"
#include "kagibin/roles/service_provider/client/outbox.h"
#include "kagibin/roles/service_provider/client/run_report.h"
#include "kagibin/roles/service_provider/client/silent_deliveries.h"
#include "kagibin/roles/service_provider/order_flow.h"

namespace kagibin::roles::service_provider {

struct ClientOptions {
  // Ask the element again by itself after "unknown" and after a refusal before opening, up to this
  // many attempts of an order; 1: never.
  delivery::AttemptNumber automatic_attempts = 4;
  // Called when news are there, before any of it is acted on: whoever owns policy and trust may
  // bring them up to date. A failure ends run_once() with it, and nothing was acted on.
  std::function<Checked<void>()> before_work{};
  // Ask by E0 where a delivery that was sealed at once was handed over and nothing came back for so
  // long; 0: never.
  std::uint32_t silent_after_seconds = 15 * 60;
};

class ProviderClient {
 public:
  ProviderClient(OrderFlow& flow,
                 delivery::ProviderApi& api,
                 delivery::JournalStore& journal,
                 ClientOptions options)
      : flow_(flow),
        api_(api),
        journal_(journal),
        outbox_(flow, api, journal),
        silent_(flow, journal, options.silent_after_seconds),
        options_(std::move(options)) {}

  // Sends the order and its first attempt. After a failure of the network the journal holds both:
  // run_once() sends them again.
  Checked<void> submit(const delivery::OrderId& order);
  // Opens many orders and sends them: Outbox::open(), Outbox::send_orders().
  Checked<OpenedOrders> open(std::span<const OrderWish> wishes, RunReport& report) {
    return outbox_.open(wishes, report);
  }
  Checked<SentOrders> send_orders(std::span<const delivery::OrderId> orders, RunReport& report) {
    return outbox_.send_orders(orders, report);
  }
  // Opens the next attempt by hand, after "refused" or "unknown".
  Checked<void> retry(const delivery::OrderId& order);
  // Takes the order back: at the operator while nobody fetched it, by a signed cancellation else.
  Checked<void> cancel(const delivery::OrderId& order);

  // Sends again what was not acknowledged, ends what is over by our own clock, then one page of
  // what changed, for which it waits at the operator for up to `wait_seconds`. Fails only when the
  // operator or the journal cannot be reached at all.
  Checked<RunReport> run_once(std::uint32_t wait_seconds = 0);
  // What happened in runs that failed; told once.
  std::vector<RunEvent> take_untold();

 private:
  static constexpr std::uint32_t kLongestPage = 100;

  Checked<void> follow_page(std::uint32_t wait_seconds, RunReport& report);
  Checked<std::vector<delivery::ListedAttempt>> pending();
  Checked<void> work_on(const delivery::ListedAttempt& change, RunReport& report);
  Checked<void> follow(const delivery::ListedAttempt& change, RunReport& report);
  static Checked<void> turned_down(const delivery::ListedAttempt& change,
                                   const Error& error,
                                   RunReport& report);
  Checked<void> withdraw(const delivery::ListedAttempt& change, std::string_view reason);
  Checked<void> seal(const delivery::ListedAttempt& change, RunReport& report);
  Checked<void> judge(const delivery::ListedAttempt& change, RunReport& report);
  Checked<void> taken_back(const delivery::ListedAttempt& change, RunReport& report);
  Checked<void> ask_again(const delivery::ListedAttempt& change, RunReport& report);
  Checked<void> expire(const delivery::OrderId& order,
                       delivery::AttemptNumber attempt,
                       RunReport& report);
  Checked<void> expire_overdue(RunReport& report);
  Checked<void> ask_the_silent(RunReport& report);

  OrderFlow& flow_;
  delivery::ProviderApi& api_;
  delivery::JournalStore& journal_;
  Outbox outbox_;
  SilentDeliveries silent_;
  ClientOptions options_;
  std::vector<RunEvent> untold_;
  // Changes a page. After an outage in the middle of one all of it is worked on again: shorter
  // then.
  std::uint32_t page_ = kLongestPage;
};

}  // namespace kagibin::roles::service_provider
