// SPDX-License-Identifier: Apache-2.0
// What a running distributor counts and measures, in Prometheus's text format 0.0.4 (GET /metrics;
// doc/operations.md has the table).
//
// The number of series is bounded: labels are states, routes, statuses, kinds of members and codes
// of errors, never a name. Thread-safety: text() from one thread; the rest as of the two ports.
//
//   ServiceMetrics metrics(clock);
//   metrics.answered(request);
//   std::string page = metrics.text(&figures);
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "kagibin/base/clock.h"
#include "kagibin/cli/distributor/last_seen.h"
#include "kagibin/delivery/store_figures.h"
#include "kagibin/net/server_observer.h"
#include "kagibin/roles/key_distribution_operator/distributor_observer.h"

namespace kagibin::cli {

class ServiceMetrics final : public net::ServerObserver,
                             public roles::key_distribution_operator::DistributorObserver {
 public:
  explicit ServiceMetrics(const Clock& clock);
  ~ServiceMetrics() override;

  void connections(std::size_t open) override;
  void connection_refused() override;
  void handshake(bool succeeded) override;
  void waiting(std::size_t answers) override;
  void queued(std::size_t requests) override;
  void answered(const net::AnsweredRequest& request) override;

  void committing() override;
  void committed(std::size_t requests, bool changes) override;
  void not_committed(std::size_t requests, const Error& why) override;
  void expired(std::size_t count) override;
  void log_extended(std::size_t entries) override;
  void log_stands(const Error* why) override;
  void ticked() override;

  void draining();
  // Until when the certificate is good ("server", "ca").
  void certificate(const std::string& which, std::int64_t not_after);
  // `store`: null when it does not answer; what is known of it is left out then.
  std::string text(const delivery::StoreFigures* store);

 private:
  struct Series;
  void take_seen();
  void take_process();

  const Clock& clock_;
  std::unique_ptr<Series> series_;
  LastSeen seen_;
  std::chrono::steady_clock::time_point commit_begun_;
  std::int64_t forgot_ = 0;
};

}  // namespace kagibin::cli
