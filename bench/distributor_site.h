// SPDX-License-Identifier: Apache-2.0
// A distributor behind TLS in threads of its own, and what is sent to it. For distributor_bench.cc.
#pragma once

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kagibin/base/clock.h"
#include "kagibin/delivery/order_store.h"
#include "kagibin/net/http_server.h"
#include "kagibin/net/test_identities.h"
#include "kagibin/roles/key_distribution_operator/distributor.h"

namespace kagibin::bench {

inline constexpr Spid kSpid{{0xAA}};

class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::filesystem::path& parent);
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(const char* name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class DistributorSite {
 public:
  explicit DistributorSite(delivery::OrderStore& store, const net::HttpServerOptions& options = {});
  DistributorSite(const DistributorSite&) = delete;
  DistributorSite& operator=(const DistributorSite&) = delete;
  ~DistributorSite();

  std::unique_ptr<delivery::HttpClient> provider();
  std::vector<net::TlsIdentity> devices(int count);
  std::uint16_t port() const { return server_->port(); }
  std::int64_t now() const { return clock_.now(); }

 private:
  SystemClock clock_;
  crypto::SystemRng rng_;
  roles::key_distribution_operator::TransportCa ca_;
  net::TestCa identities_;
  roles::key_distribution_operator::Distributor distributor_;
  std::unique_ptr<net::HttpServer> server_;
  std::thread thread_;
};

// POST /v1/orders with `count` orders, numbered from `made` on: "order-<n>" for "phone-<n>", with
// an enrolment request each.
std::string submission(std::uint64_t& made, std::size_t count, std::int64_t not_after);

// Of the calling thread, or of the whole process.
double processor_seconds(clockid_t clock);

}  // namespace kagibin::bench
