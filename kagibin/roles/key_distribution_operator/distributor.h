// SPDX-License-Identifier: Apache-2.0
// The key distribution operator as an HTTP handler: routes, authorisation, and one commit for the
// requests that arrived together (protocol, section 4; player B). It relays sealed messages and
// cannot read them: nothing that opens, seals or speaks a secure channel is linked here.
//
// An answer of success leaves after the commit. When others were in a commit's way, or the store
// was away for a moment, the requests of it are tried again together for two seconds; when it
// fails, every request is tried alone, so that each gets the answer it deserves (507 on a full
// disk). Several distributors may share one store: what one commits wakes who waits at another,
// within a second or so. Ready (GET /readyz) is who is not about to end and whose store answered
// the last tick, no longer than eight seconds ago; healthy (GET /healthz) is whoever answers at
// all: whoever asks for either waits for no store and is no load for it. An audit log that stands
// still is told to the observer and stops nobody from being served. Does no I/O but through the
// store. Ownership: refers to what it is given. Thread-safety: one thread at a time; at_once() and
// weight() from any.
//
//   Distributor distributor({.store = *store, .ca = identity.ca, .clock = clock, .rng = rng});
//   net::HttpServer server = ...(options, distributor);
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kagibin/base/clock.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/delivery/http_port.h"
#include "kagibin/delivery/order_store.h"
#include "kagibin/delivery/store_figures.h"
#include "kagibin/roles/key_distribution_operator/audit/log_keeper.h"
#include "kagibin/roles/key_distribution_operator/campaigns/campaign_watch.h"
#include "kagibin/roles/key_distribution_operator/distributor_observer.h"
#include "kagibin/roles/key_distribution_operator/routes.h"
#include "kagibin/roles/key_distribution_operator/transport_ca.h"

namespace kagibin::roles::key_distribution_operator {

class Distributor final : public delivery::HttpHandler {
 public:
  struct Parts {
    delivery::OrderStore& store;
    const TransportCa& ca;
    const Clock& clock;
    crypto::Rng& rng;
    // Without it, entries of the audit log are written, and others give them their places.
    LogKeeper* log = nullptr;
    DistributorObserver* observer = nullptr;
    // True once this distributor is about to end: it still serves, and is not ready. From any
    // thread.
    std::function<bool()> draining{};
    // The page for GET /metrics; null: the store does not answer. Empty: there is no such page.
    std::function<std::string(const delivery::StoreFigures* store)> metrics{};
  };
  explicit Distributor(const Parts& parts)
      : parts_(parts), store_answered_ms_(parts.clock.uptime_ms()) {}

  delivery::HttpResponse handle(const delivery::HttpRequest& request) override;
  std::vector<delivery::HttpResponse> handle_batch(
      std::span<const delivery::HttpRequest> requests) override;
  // GET /healthz and GET /readyz.
  std::optional<delivery::HttpResponse> at_once(
      const delivery::HttpRequest& request) const override;
  // As many orders as a submission can hold; 1 for anything else.
  std::size_t weight(const delivery::HttpRequest& request) const override;
  // Expires what is overdue, takes campaigns on, gives entries of the audit log their places, and
  // hears what other distributors did; a failure is left for the next tick, one of the log is told.
  std::vector<std::string> tick() override;

 private:
  // All answers, committed; or the failure of begin, of the commit, or of a step that spoiled the
  // transaction. `again`: others were in the way.
  Result<std::vector<delivery::HttpResponse>> together(
      std::span<const delivery::HttpRequest> requests, bool again);
  Result<std::vector<delivery::HttpResponse>> together_again(
      std::span<const delivery::HttpRequest> requests);
  std::vector<std::string> news();
  Result<void> extend_log();
  Result<void> run_campaigns(std::int64_t now, std::vector<std::string>& topics);
  Result<void> put_off(const delivery::CampaignKey& campaign, std::int64_t now);
  Result<void> forget_answers();
  static constexpr std::int64_t kLost = INT64_MIN;
  void tell_log(const Result<void>& extended);
  delivery::HttpResponse readiness(bool store_answers) const;
  delivery::HttpResponse metrics();
  // Metrics and the audit log: read from the store behind a batch's commit.
  delivery::HttpResponse of_the_whole(const Call& call);
  // What to answer when the store did not take the request, for the last time.
  delivery::HttpResponse not_committed(const delivery::HttpRequest& request, const Error& why);
  Result<delivery::HttpResponse> answer(delivery::OrderTransaction& store, const Call& call);
  // The answer that is kept for the call, or answer() and its answer kept.
  Result<delivery::HttpResponse> answer_once(delivery::OrderTransaction& store, const Call& call);

  Parts parts_;
  CampaignWatch watch_{parts_.clock};
  std::map<std::string, std::int64_t> awaited_;  // topics, and until when somebody waits
  std::optional<Errc> told_;                     // why the log cannot be extended
  std::atomic<std::int64_t> store_answered_ms_;  // uptime of a tick; kLost: the last was in vain
};

}  // namespace kagibin::roles::key_distribution_operator
