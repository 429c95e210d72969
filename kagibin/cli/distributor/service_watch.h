// SPDX-License-Identifier: Apache-2.0
// What happens in a running distributor, as lines of its log and as its metrics.
//
// What may happen a thousand times a second is counted and told once a second (refused answers, TLS
// handshakes that failed, connections over the limit, failed and slow commits); what changes is
// told when it does (the store lost and found, the audit log standing still). Who asked is named by
// its kind (provider, device, ...) and what by its route: an order's name is written at debug only,
// and a body, a certificate or a token never. Thread-safety: as of the two ports.
//
//   ServiceWatch watch(log, metrics, manager, {.access = true});
//   net::HttpServer::open({.observer = &watch}, ...);
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "kagibin/cli/distributor/event_log.h"
#include "kagibin/cli/distributor/service_manager.h"
#include "kagibin/cli/distributor/service_metrics.h"
#include "kagibin/net/server_observer.h"
#include "kagibin/roles/key_distribution_operator/distributor_observer.h"

namespace kagibin::cli {

class ServiceWatch final : public net::ServerObserver,
                           public roles::key_distribution_operator::DistributorObserver {
 public:
  struct Options {
    bool access = false;  // a line for every answer
    std::chrono::milliseconds slow_commit{1'000};
    std::string log_advice{};  // what to do when the audit log was tampered with
  };
  ServiceWatch(EventLog& log, ServiceMetrics& metrics, ServiceManager& manager, Options options);

  void connections(std::size_t open) override { metrics_.connections(open); }
  void connection_refused() override;
  void handshake(bool succeeded) override;
  void waiting(std::size_t answers) override { metrics_.waiting(answers); }
  void queued(std::size_t requests) override { metrics_.queued(requests); }
  void answered(const net::AnsweredRequest& request) override;
  void beat() override;

  void committing() override;
  void committed(std::size_t requests, bool changes) override;
  void not_committed(std::size_t requests, const Error& why) override;
  void expired(std::size_t count) override;
  void log_extended(std::size_t entries) override { metrics_.log_extended(entries); }
  void log_stands(const Error* why) override;
  void ticked() override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Failures {
    std::uint64_t count = 0;
    std::string detail{};
  };

  EventLog& log_;
  ServiceMetrics& metrics_;
  ServiceManager& manager_;
  const Options options_;
  // Of the server's thread.
  std::uint64_t connections_refused_ = 0;
  std::uint64_t handshakes_failed_ = 0;
  std::map<int, std::uint64_t> refused_;  // by status
  // Of the handler's thread.
  std::map<Errc, Failures> failures_;
  Clock::time_point commit_begun_;
  std::optional<Clock::time_point> store_lost_;
  std::uint64_t slow_commits_ = 0;
  std::chrono::nanoseconds slowest_{};
  std::optional<Errc> log_stands_;
};

}  // namespace kagibin::cli
