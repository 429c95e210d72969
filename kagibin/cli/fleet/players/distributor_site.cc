// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/fleet/players/distributor_site.h"

#include <chrono>
#include <condition_variable>
#include <span>
#include <utility>
#include <vector>

#include <pthread.h>
#include <time.h>

#include "kagibin/cli/store/order_store_place.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/delivery/store_snapshot.h"
#include "kagibin/net/http_client.h"

namespace kagibin::cli::fleet {

namespace kdo = roles::key_distribution_operator;

// The distributor's own work, whichever thread does it.
class DistributorSite::Metered final : public delivery::HttpHandler {
 public:
  Metered(delivery::HttpHandler& inner, CpuMeter& meter) : inner_(inner), meter_(meter) {}

  delivery::HttpResponse handle(const delivery::HttpRequest& request) override {
    const CpuScope scope(meter_, Player::kDistributor);
    return inner_.handle(request);
  }
  std::vector<delivery::HttpResponse> handle_batch(
      std::span<const delivery::HttpRequest> requests) override {
    const CpuScope scope(meter_, Player::kDistributor);
    return inner_.handle_batch(requests);
  }
  std::vector<std::string> tick() override {
    const CpuScope scope(meter_, Player::kDistributor);
    return inner_.tick();
  }

 private:
  delivery::HttpHandler& inner_;
  CpuMeter& meter_;
};

Result<std::unique_ptr<DistributorSite>> DistributorSite::open(const Options& options,
                                                               const Clock& clock,
                                                               crypto::Rng& rng,
                                                               CpuMeter& meter) {
  std::unique_ptr<DistributorSite> out(new DistributorSite(options, clock, rng, meter));
  out->ca_ = KB_TRY(kdo::create_transport_ca("kagibin fleet", clock.now(), rng));
  KB_TRY(out->open_store());
  return out;
}

Result<void> DistributorSite::open_store() {
  store_ = KB_TRY(OrderStorePlace(options_.store, options_.folder / "orders.sqlite3").open());
  const auto has_no_log = [&]() -> Result<bool> {
    const auto snapshot = KB_TRY(store_->snapshot());
    const delivery::AuditHead head = KB_TRY(snapshot->audit_head());
    return head.verifier.empty();
  };
  const bool is_new_log = KB_TRY(has_no_log());
  if (is_new_log) {  // else another distributor gives the entries of that store their places
    log_key_ = KB_TRY(crypto::Ed25519PrivateKey::generate(rng_));
    log_.emplace(*log_key_);
  }
  distributor_ = std::make_unique<kdo::Distributor>(kdo::Distributor::Parts{
      .store = *store_, .ca = *ca_, .clock = clock_, .rng = rng_, .log = log_ ? &*log_ : nullptr});
  metered_ = std::make_unique<Metered>(*distributor_, meter_);
  simulated_ = std::make_unique<SimulatedServer>(*metered_);
  return {};
}

DistributorSite::~DistributorSite() { stop(); }

Result<DistributorSite::Transport> DistributorSite::identity(
    const delivery::Subject& subject) const {
  const crypto::EcPrivateKey key = KB_TRY(crypto::EcPrivateKey::generate(rng_));
  const std::string request = KB_TRY(crypto::certificate_request(key, subject.common_name()));
  return Transport{.certificate_pem = KB_TRY(
                       ca_->issue_client(subject, request, clock_.now(), kdo::kClientDays, rng_)),
                   .key_pem = KB_TRY(crypto::private_key_to_pem(key))};
}

Result<void> DistributorSite::serve() {
  if (!options_.over_tls) {
    network_ = std::jthread([this](const std::stop_token& stop) {
      std::mutex mutex;
      std::condition_variable_any asked;
      std::unique_lock lock(mutex);
      while (!asked.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; }) &&
             !stop.stop_requested()) {
        simulated_->tick();
      }
    });
    serving_ = true;
    return {};
  }
  const kdo::KeyAndCertificate own = KB_TRY(ca_->issue_server(
      {.dns_names = {"localhost"}, .ip_addresses = {"127.0.0.1"}}, clock_.now(), rng_));
  const net::TlsIdentity identity{.certificate_pem = own.certificate_pem,
                                  .key_pem = KB_TRY(crypto::private_key_to_pem(own.key)),
                                  .ca_pem = ca_->certificate_pem()};
  server_ = KB_TRY(net::HttpServer::open({}, identity, *metered_, clock_));
  network_ = std::jthread([this] { server_->run(); });
  serving_ = true;
  return {};
}

void DistributorSite::stop() {
  if (simulated_ != nullptr) {  // else its store did not open
    simulated_->stop();
  }
  if (server_ != nullptr) {
    server_->stop();
  }
  if (network_.joinable()) {
    serving_ = false;
    network_.request_stop();
    network_.join();
  }
}

Result<std::unique_ptr<delivery::HttpClient>> DistributorSite::connect(
    const delivery::Subject& subject,
    const std::string& certificate_pem,
    const SecretBytes& key_pem,
    std::stop_token stop) {
  if (!options_.over_tls) {
    return connect_inside(subject, std::move(stop));
  }
  return net::open_https_client(
      {.host = "127.0.0.1", .port = server_->port(), .stop = std::move(stop)},
      {.certificate_pem = certificate_pem,
       .key_pem = key_pem.duplicate(),
       .ca_pem = ca_->certificate_pem()});
}

std::unique_ptr<delivery::HttpClient> DistributorSite::connect_inside(
    const delivery::Subject& subject, std::stop_token stop) {
  return std::make_unique<SimulatedClient>(*simulated_, subject.common_name(), std::move(stop));
}

std::int64_t DistributorSite::network_cpu() {
  constexpr std::int64_t kNanosecondsASecond = 1'000'000'000;
  clockid_t clock{};
  timespec now{};
  if (!serving_ || !options_.over_tls ||
      pthread_getcpuclockid(network_.native_handle(), &clock) != 0 ||
      clock_gettime(clock, &now) != 0) {
    return 0;
  }
  return now.tv_sec * kNanosecondsASecond + now.tv_nsec;
}

}  // namespace kagibin::cli::fleet
