// SPDX-License-Identifier: Apache-2.0
#include "bench/distributor_site.h"

#include "kagibin/delivery/submission.h"
#include "kagibin/net/http_client.h"
#include "kagibin/roles/key_distribution_operator/test_messages.h"

namespace kagibin::bench {

namespace kdo = roles::key_distribution_operator;

TemporaryFolder::TemporaryFolder(const std::filesystem::path& parent) {
  std::string name = parent / "kagibin-bench-XXXXXX";
  KB_CHECK(mkdtemp(name.data()) != nullptr);
  path_ = name;
}

DistributorSite::DistributorSite(delivery::OrderStore& store, const net::HttpServerOptions& options)
    : ca_(kdo::create_transport_ca("bench", clock_.now(), rng_).value()),
      identities_(clock_.now() - 3'600),
      distributor_({.store = store, .ca = ca_, .clock = clock_, .rng = rng_}),
      server_(net::HttpServer::open(options, identities_.server("localhost"), distributor_, clock_)
                  .value()),
      thread_([this] { server_->run(); }) {}

DistributorSite::~DistributorSite() {
  server_->stop();
  thread_.join();
}

std::unique_ptr<delivery::HttpClient> DistributorSite::provider() {
  return net::open_https_client(
             {.host = "127.0.0.1", .port = server_->port(), .server_name = "localhost"},
             identities_.client(delivery::provider_subject(kSpid).common_name()))
      .value();
}

std::vector<net::TlsIdentity> DistributorSite::devices(int count) {
  std::vector<net::TlsIdentity> identities;
  identities.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    identities.push_back(identities_.client("device:idle-" + std::to_string(i)));
  }
  return identities;
}

std::string submission(std::uint64_t& made, std::size_t count, std::int64_t not_after) {
  static const Bytes request = kdo::a_request(kSpid, 1);
  delivery::Submission out;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = std::to_string(made++);
    out.orders.push_back({.id = delivery::OrderId::from("order-" + name).value(),
                          .order = {.device = delivery::DeviceId::from("phone-" + name).value(),
                                    .not_after = not_after},
                          .opening = {delivery::AttemptRequest::Kind::kRequest, request}});
  }
  return to_json(out);
}

double processor_seconds(clockid_t clock) {
  timespec time{};
  KB_CHECK(clock_gettime(clock, &time) == 0);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace kagibin::bench
