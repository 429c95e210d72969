// SPDX-License-Identifier: Apache-2.0
// For tests: a distributor as its program runs it, from a folder, behind TLS on loopback.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "kagibin/base/clock.h"
#include "kagibin/net/http_server.h"
#include "kagibin/roles/key_distribution_operator/distributor.h"
#include "kagibin/roles/key_distribution_operator/distributor_folder.h"
#include "kagibin/store/order_store_sqlite.h"

namespace kagibin::roles::key_distribution_operator {

// The parts of a running distributor, in the order in which they depend on each other.
class Service {
 public:
  Service(const std::filesystem::path& path, const Clock& clock, std::uint16_t port = 0)
      : identity_(DistributorFolder(path).load().value()),
        store_(store::open_order_store({.path = DistributorFolder(path).orders()}).value()),
        distributor_({.store = *store_, .ca = identity_.ca, .clock = clock, .rng = rng_}),
        server_(net::HttpServer::open({.port = port},
                                      {.certificate_pem = identity_.server_certificate_pem,
                                       .key_pem = identity_.server_key_pem.duplicate(),
                                       .ca_pem = identity_.ca.roots_pem()},
                                      distributor_,
                                      clock)
                    .value()) {}
  std::uint16_t port() const { return server_->port(); }
  void run() { server_->run(); }
  void stop() { server_->stop(); }

 private:
  crypto::SystemRng rng_;
  DistributorIdentity identity_;
  std::unique_ptr<delivery::OrderStore> store_;
  Distributor distributor_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace kagibin::roles::key_distribution_operator
