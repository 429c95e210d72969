// SPDX-License-Identifier: Apache-2.0
// A distributor that serves: its parts joined from a folder and a store, its log, its end.
//
// SIGTERM and SIGINT drain it: it is not ready any more at once, holds no answer back and closes
// each connection behind its next answer; after the grace it takes no new connection, answers what
// is being handled, and returns. A second signal ends the process at once: what was acknowledged is
// in the store. Failures: those of the folder, the store and the server.
//
//   DistributorService service(folder, place, options);
//   KB_TRY(service.run([](const std::string& host, std::uint16_t port) { ... }));
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "kagibin/base/clock.h"
#include "kagibin/base/result.h"
#include "kagibin/cli/distributor/event_log.h"
#include "kagibin/cli/distributor/service_watch.h"
#include "kagibin/cli/store/order_store_place.h"
#include "kagibin/crypto/ed25519/ed25519.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/delivery/order_store.h"
#include "kagibin/roles/key_distribution_operator/audit/log_keeper.h"
#include "kagibin/roles/key_distribution_operator/distributor_folder.h"

namespace kagibin::cli {

struct ServiceOptions {
  std::string listen = "127.0.0.1:8443";
  std::size_t max_connections = 16'384;
  std::filesystem::path demo_key_log{};
  std::chrono::seconds drain{0};  // between the first signal and the end of new connections
  EventLog::Options log{};
  bool log_access = false;
  std::chrono::milliseconds slow_commit{1'000};
};

class DistributorService {
 public:
  // Told once that it listens.
  using Listening = std::function<void(const std::string& host, std::uint16_t port)>;
  DistributorService(const roles::key_distribution_operator::DistributorFolder& folder,
                     const OrderStorePlace& place,
                     const ServiceOptions& options);

  // Until a signal. Once, before any other thread is made.
  Result<void> run(const Listening& listening);

 private:
  Result<std::optional<crypto::Ed25519PrivateKey>> log_key(delivery::OrderStore& store);
  Result<void> tell_expiry(const std::string& which, std::string_view pem);
  Result<void> begin_log(delivery::OrderStore& store,
                         roles::key_distribution_operator::LogKeeper& log);

  const roles::key_distribution_operator::DistributorFolder& folder_;
  const OrderStorePlace& place_;
  const ServiceOptions& options_;
  EventLog log_;
  ServiceManager manager_;
  SystemClock clock_;
  ServiceMetrics metrics_{clock_};
  ServiceWatch watch_;
  crypto::SystemRng rng_;
};

}  // namespace kagibin::cli
