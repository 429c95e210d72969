// SPDX-License-Identifier: Apache-2.0
// A deployment with a distributor, one agent and a network that can lose and repeat what goes over
// it, all in one process. Thread-safety: none.
//
//   Network net("seed");
//   const auto order = net.world.open_order("order-1", net.card);
//   EXPECT_EQ(net.run(order.id), delivery::State::kConfirmed);
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "kagibin/device/agent.h"
#include "kagibin/roles/key_distribution_operator/distributor.h"
#include "kagibin/roles/service_provider/client/provider_client.h"
#include "kagibin/store/agent_store_sqlite.h"
#include "kagibin/store/order_store_sqlite.h"

#include "tests/support/deployment.h"
#include "tests/support/must.h"

namespace kagibin::test {

namespace operators = roles::key_distribution_operator;
namespace provider = roles::service_provider;

// The operator's clock, which need not be ours.
class SkewedClock final : public Clock {
 public:
  explicit SkewedClock(const Clock& ours) : ours_(ours) {}
  std::int64_t now() const override { return ours_.now() + skew_seconds; }
  std::int64_t uptime_ms() const override { return ours_.uptime_ms(); }
  std::int64_t skew_seconds = 0;

 private:
  const Clock& ours_;
};

// What happens to the n-th request, counted from 1. One that comes again, or late (its sender has
// given it up), comes behind the next request or, at the end, when the test says so.
enum class Fault : std::uint8_t {
  kNone,
  kRequestLost,
  kAnswerLost,
  kSentTwice,
  kAgainBehindTheNext,
  kAgainAtTheEnd,
  kLateBehindTheNext,
  kLateAtTheEnd,
};

class FaultyHttp final : public delivery::HttpClient {
 public:
  FaultyHttp(delivery::HttpHandler& server, std::string subject)
      : local_(server, std::move(subject)) {}

  Result<delivery::HttpResponse> send(const delivery::HttpRequest& request) override {
    ++requests_;
    last = request;
    if (before_send) {
      before_send(request);
    }
    const bool now = requests_ == nth || every;
    if (now && fault == Fault::kRequestLost) {
      return fail(Errc::kNetwork, "the network lost the request");
    }
    if (now && fault == Fault::kSentTwice) {
      KB_TRY(local_.send(request));
    }
    const bool behind_the_next =
        fault == Fault::kAgainBehindTheNext || fault == Fault::kLateBehindTheNext;
    const auto overtaken = behind_the_next ? std::exchange(kept_, std::nullopt) : std::nullopt;
    if (now && fault >= Fault::kAgainBehindTheNext) {
      kept_ = request;
      if (fault == Fault::kLateBehindTheNext || fault == Fault::kLateAtTheEnd) {
        return fail(Errc::kNetwork, "the network keeps the request back");
      }
    }
    auto answer = KB_TRY(local_.send(request));
    if (overtaken) {
      static_cast<void>(local_.send(*overtaken));
    }
    if (now && fault == Fault::kAnswerLost) {
      return fail(Errc::kNetwork, "the network lost the answer");
    }
    return answer;
  }

  // What is kept back arrives.
  void end() {
    if (const auto late = std::exchange(kept_, std::nullopt)) {
      static_cast<void>(local_.send(*late));
    }
  }

  Fault fault = Fault::kNone;
  std::size_t nth = 0;
  bool every = false;
  delivery::HttpRequest last;
  std::function<void(const delivery::HttpRequest&)> before_send;
  std::size_t requests() const { return requests_; }

 private:
  delivery::LocalHttp local_;
  std::size_t requests_ = 0;
  std::optional<delivery::HttpRequest> kept_;
};

// One deployment with a distributor and one agent.
class Network {
 public:
  explicit Network(std::string_view seed, const DeploymentOptions& deployment = {})
      : world(seed, deployment),
        card(world.add_card("phone-1")),
        ca_(must(operators::create_transport_ca("test", world.clock.now(), world.rng))),
        orders_(must(store::open_order_store({.path = folder_.path() / "orders"}))),
        jobs_(must(store::open_agent_store({.path = folder_.path() / "jobs"}))),
        operator_clock(world.clock),
        distributor_({.store = *orders_, .ca = ca_, .clock = operator_clock, .rng = world.rng}),
        provider_http(distributor_,
                      delivery::provider_subject(Spid{world.provider_certificate->fields().subject})
                          .common_name()),
        device_http(distributor_, delivery::device_subject(card.device).common_name()) {}

  provider::ProviderClient client() { return {*world.flow, provider_api, world.journal, options}; }

  // The agent's run on a fresh reader; what it could not do is left for the next one.
  Result<device::Agent::Report> run_agent() {
    device::Agent agent(
        device_api, *jobs_,
        [&]() -> Result<device::Channels> { return device::Channels::open_logical(card.link()); },
        world.clock);
    return agent.run_once(0);
  }

  // Client and agent in turn until the order has a verdict that stands, or nothing helps.
  delivery::State run(const delivery::OrderId& order, int rounds = 12) {
    for (int round = 0; round < rounds; ++round) {
      static_cast<void>(client().run_once());
      static_cast<void>(run_agent());
      world.reopen(card);
      const delivery::State state = must(world.flow->find(order)).state;
      if (state == delivery::State::kConfirmed) {
        static_cast<void>(client().run_once());
        return state;
      }
    }
    return must(world.flow->find(order)).state;
  }
  delivery::State at_the_operator(const delivery::OrderId& order) {
    return must(provider_api.order(order)).state;
  }
  delivery::AgentStore& jobs() { return *jobs_; }
  void tick() { distributor_.tick(); }
  // What the operator lets the provider open from now on.
  void limit(const delivery::TenantLimits& limits) {
    auto transaction = must(orders_->begin());
    must(transaction->tenants().put_limits(spid(), limits, operator_clock.now()));
    must(transaction->commit());
  }
  Spid spid() const { return Spid{world.provider_certificate->fields().subject}; }

  Deployment world;
  DeployedCard& card;

 private:
  TemporaryFolder folder_;
  operators::TransportCa ca_;
  std::unique_ptr<delivery::OrderStore> orders_;
  std::unique_ptr<delivery::AgentStore> jobs_;

 public:
  SkewedClock operator_clock;

 private:
  operators::Distributor distributor_;

 public:
  FaultyHttp provider_http;
  FaultyHttp device_http;
  delivery::ProviderApi provider_api{provider_http};
  delivery::DeviceApi device_api{device_http};
  provider::ClientOptions options;
};

}  // namespace kagibin::test
