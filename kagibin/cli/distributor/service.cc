// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/distributor/service.h"

#include <atomic>
#include <csignal>
#include <stop_token>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "kagibin/cli/console/host_port.h"
#include "kagibin/cli/waiting/descriptor_limit.h"
#include "kagibin/cli/waiting/stop_signals.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/delivery/store_snapshot.h"
#include "kagibin/net/http_server.h"
#include "kagibin/roles/key_distribution_operator/distributor.h"

namespace kagibin::cli {

namespace kdo = roles::key_distribution_operator;
using Level = EventLog::Level;

namespace {

constexpr std::chrono::hours kUntilASignal{24};
constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kWarnDays = 60;

std::string advice_for_the_log(const kdo::DistributorFolder& folder) {
  return fmt::format(
      "look with: kagibin audit verify --from {}; if the older state is meant, move that file "
      "away: earlier checkpoints are not continued then",
      folder.log_checkpoint().string());
}

}  // namespace

DistributorService::DistributorService(const kdo::DistributorFolder& folder,
                                       const OrderStorePlace& place,
                                       const ServiceOptions& options)
    : folder_(folder),
      place_(place),
      options_(options),
      log_(options.log),
      manager_(ServiceManager::environment()),
      watch_(log_,
             metrics_,
             manager_,
             {.access = options.log_access,
              .slow_commit = options.slow_commit,
              .log_advice = advice_for_the_log(folder)}) {}

// The key with which this distributor extends the audit log; empty when the log is another one's.
Result<std::optional<crypto::Ed25519PrivateKey>> DistributorService::log_key(
    delivery::OrderStore& store) {
  const auto verifier_of = [&]() -> Result<std::string> {
    const auto snapshot = KB_TRY(store.snapshot());
    delivery::AuditHead head = KB_TRY(snapshot->audit_head());
    return std::move(head.verifier);
  };
  const std::string signs = KB_TRY(verifier_of());
  auto key = KB_TRY(folder_.log_key(signs.empty(), rng_));
  if (!signs.empty() && (!key || kdo::LogKeeper(*key).verifier().text() != signs)) {
    log_.write(Level::kWarning, "audit_log_of_another_key",
               {{"verifier", signs},
                {"meaning",
                 "this distributor writes entries, and leaves it to the one with that log.key.pem "
                 "to give them their places"}});
    key.reset();
  }
  return key;
}

// Gives what waits its places; says so when the log cannot be extended, which keeps nobody from
// serving.
Result<void> DistributorService::begin_log(delivery::OrderStore& store, kdo::LogKeeper& log) {
  const auto transaction = KB_TRY(store.begin());
  const auto placed = [&]() -> Result<std::size_t> {
    KB_TRY(log.check(*transaction));
    return log.extend(*transaction);
  }();
  if (placed && *placed > 0 && transaction->commit()) {
    log.committed();
  }
  if (!placed) {
    watch_.log_stands(&placed.error());
  }
  return {};
}

// Said early, for a certificate that has expired ends the service for everybody.
Result<void> DistributorService::tell_expiry(const std::string& which, std::string_view pem) {
  const crypto::CertificateFacts facts = KB_TRY(crypto::certificate_facts(pem));
  metrics_.certificate(which, facts.not_after);
  const std::int64_t days = (facts.not_after - clock_.now()) / kDay;
  if (days < kWarnDays) {
    log_.write(Level::kWarning, "certificate_expires",
               {{"certificate", which},
                {"days", days},
                {"advice", which == "server" ? "kagibin distributor renew-server, and a restart"
                                             : "kagibin distributor rotate-ca"}});
  }
  return {};
}

Result<void> DistributorService::run(const Listening& listening) {
  StopSignals signals;
  // A log that nobody reads any more must not end the service.
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));  // NOLINT(cert-err33-c): cannot fail
  const HostPort listen = KB_TRY(parse_host_port(options_.listen));
  kdo::DistributorIdentity identity = KB_TRY(folder_.load());
  KB_TRY(tell_expiry("server", identity.server_certificate_pem));
  KB_TRY(tell_expiry("ca", identity.ca.certificate_pem()));
  const auto store = KB_TRY(place_.open());
  const auto log_key = KB_TRY(this->log_key(*store));
  std::optional<kdo::LogKeeper> log;
  if (log_key) {
    std::string last = KB_TRY(folder_.last_checkpoint());
    log.emplace(*log_key, std::move(last), [this](std::string_view note) {
      // The next one is kept again; an older one is a prefix of the log, too.
      static_cast<void>(folder_.keep_checkpoint(note));
    });
    KB_TRY(begin_log(*store, *log));
  }
  kdo::Distributor distributor(
      {.store = *store,
       .ca = identity.ca,
       .clock = clock_,
       .rng = rng_,
       .log = log ? &*log : nullptr,
       .observer = &watch_,
       .draining = [&signals] { return signals.requested(); },
       .metrics =
           [this](const delivery::StoreFigures* figures) { return metrics_.text(figures); }});
  raise_descriptor_limit();
  net::HttpServerOptions server_options{.address = listen.host,
                                        .port = listen.port,
                                        .max_connections = options_.max_connections,
                                        .observer = &watch_};
  if (!options_.demo_key_log.empty()) {
    server_options.demo_key_log = net::DemoKeyLog{options_.demo_key_log};
  }
  const net::TlsIdentity tls{.certificate_pem = identity.server_certificate_pem,
                             .key_pem = std::move(identity.server_key_pem),
                             .ca_pem = identity.ca.roots_pem()};
  const auto server = KB_TRY(net::HttpServer::open(server_options, tls, distributor, clock_));
  listening(listen.host, server->port());
  log_.write(Level::kInfo, "start",
             {{"version", KAGIBIN_VERSION},
              {"host", listen.host},
              {"port", server->port()},
              {"store", place_.kind()},
              {"signs", log.has_value()}});
  manager_.ready();
  const std::jthread ending([&] {
    while (signals.pause(kUntilASignal)) {
    }
    manager_.stopping();
    metrics_.draining();
    log_.write(Level::kInfo, "drain", {{"seconds", options_.drain.count()}});
    server->drain();
    std::this_thread::sleep_for(options_.drain);
    server->stop();
  });
  server->run();
  log_.write(Level::kInfo, "stop", {});
  return {};
}

}  // namespace kagibin::cli
