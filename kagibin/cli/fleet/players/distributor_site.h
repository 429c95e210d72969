// SPDX-License-Identifier: Apache-2.0
// The key distribution operator of a run: its transport CA, its store, and its server, over TLS on
// the loopback interface or in a simulated network.
//
// Until serve() it is reached in the simulated way, by which unit costs are measured without a
// network; from serve() on in the way of the options. Ownership: refers to clock, randomness and
// meter. Thread-safety: connect(), identity() and network_cpu() from any thread.
//
//   auto site = KB_TRY(DistributorSite::open(options, clock, rng, meter));
//   KB_TRY(site->serve());
//   auto http = KB_TRY(site->connect(subject, identity));
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "kagibin/cli/fleet/load/cpu_meter.h"
#include "kagibin/cli/fleet/players/simulated_server.h"
#include "kagibin/crypto/ed25519/ed25519.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/net/http_server.h"
#include "kagibin/net/tls_identity.h"
#include "kagibin/roles/key_distribution_operator/audit/log_keeper.h"
#include "kagibin/roles/key_distribution_operator/distributor.h"

namespace kagibin::cli::fleet {

class DistributorSite {
 public:
  struct Options {
    std::string store{};             // postgresql://..., or empty: SQLite
    std::filesystem::path folder{};  // for SQLite
    bool over_tls = true;
  };
  static Result<std::unique_ptr<DistributorSite>> open(const Options& options,
                                                       const Clock& clock,
                                                       crypto::Rng& rng,
                                                       CpuMeter& meter);
  DistributorSite(const DistributorSite&) = delete;
  DistributorSite& operator=(const DistributorSite&) = delete;
  ~DistributorSite();

  // A key and its certificate, as an invitation that was redeemed leaves them.
  struct Transport {
    std::string certificate_pem;
    SecretBytes key_pem;
  };
  Result<Transport> identity(const delivery::Subject& subject) const;
  bool over_tls() const { return options_.over_tls; }

  Result<void> serve();
  // Whoever waits gets what there is; nothing is served any more.
  void stop();

  // Connects at the first request.
  Result<std::unique_ptr<delivery::HttpClient>> connect(const delivery::Subject& subject,
                                                        const std::string& certificate_pem,
                                                        const SecretBytes& key_pem,
                                                        std::stop_token stop = {});
  // The simulated way, before serve().
  std::unique_ptr<delivery::HttpClient> connect_inside(const delivery::Subject& subject,
                                                       std::stop_token stop = {});

  // CPU nanoseconds of the server's network thread.
  std::int64_t network_cpu();

 private:
  class Metered;
  DistributorSite(const Options& options, const Clock& clock, crypto::Rng& rng, CpuMeter& meter)
      : options_(options), clock_(clock), rng_(rng), meter_(meter) {}
  Result<void> open_store();

  Options options_;
  const Clock& clock_;
  crypto::Rng& rng_;
  CpuMeter& meter_;
  std::optional<roles::key_distribution_operator::TransportCa> ca_;
  std::unique_ptr<delivery::OrderStore> store_;
  std::optional<crypto::Ed25519PrivateKey> log_key_;  // of the audit log
  std::optional<roles::key_distribution_operator::LogKeeper> log_;
  std::unique_ptr<roles::key_distribution_operator::Distributor> distributor_;
  std::unique_ptr<delivery::HttpHandler> metered_;
  std::unique_ptr<SimulatedServer> simulated_;
  std::unique_ptr<net::HttpServer> server_;
  std::jthread network_;
  std::atomic<bool> serving_ = false;
};

}  // namespace kagibin::cli::fleet
