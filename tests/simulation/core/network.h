// SPDX-License-Identifier: Apache-2.0
// The network between roles and distributors: every message takes its time, and by the dice gets
// lost, comes twice, late or cut short. What TLS and HTTP would tell of that is told here: a
// message that was cut short is kHttp, a connection that ended or says nothing kNetwork.
//
// A client asks one of the distributors, as behind a balancer. Ownership: refers to the ground and
// to the distributors. Thread-safety: one thread.
//
//   RoleHttp http(network, provider, subject);
//   delivery::ProviderApi api(http);
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kagibin/delivery/http_port.h"

#include "tests/simulation/core/role.h"

namespace kagibin::simulation {

// A distributor's end. The answer is called once, perhaps much later; with nothing when the
// connection ended without one.
class Server {
 public:
  using Answer = std::function<void(std::optional<delivery::HttpResponse>)>;
  Server() = default;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  virtual ~Server() = default;
  virtual void arrive(delivery::HttpRequest request, Answer answer) = 0;
};

class Network {
 public:
  explicit Network(Ground& ground) : ground_(ground) {}
  void add(Server& server) { servers_.push_back(&server); }

  // One request of a role that waits for its answer.
  Result<delivery::HttpResponse> exchange(Role& from, delivery::HttpRequest request);
  std::uint64_t requests() const { return requests_; }

 private:
  Moment latency();
  // The same of a message that may be late.
  Moment way();

  Ground& ground_;
  std::vector<Server*> servers_;
  std::uint64_t requests_ = 0;
};

// A role's client, with the subject of its certificate. The role may die before and after each
// exchange.
class RoleHttp final : public delivery::HttpClient {
 public:
  RoleHttp(Network& network, Role& role, std::string subject)
      : network_(network), role_(role), subject_(std::move(subject)) {}
  Result<delivery::HttpResponse> send(const delivery::HttpRequest& request) override;

  // Sees every answer before the role does.
  std::function<void(const delivery::HttpRequest&, delivery::HttpResponse&)> on_answer{};

 private:
  Network& network_;
  Role& role_;
  std::string subject_;
};

}  // namespace kagibin::simulation
