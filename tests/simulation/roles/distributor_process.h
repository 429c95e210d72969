// SPDX-License-Identifier: Apache-2.0
// A distributor: the real one, with a store object of its own on the store that it shares, a clock
// of its own, and requests that came together handled together. It can be killed, and starts again
// on what is durable: the store, its log's key and the last checkpoint that it kept.
//
// It writes down, outside of everything that can fail, what it acknowledged: for the check that
// nothing of it is lost. Ownership: refers to what it is given. Thread-safety: one thread.
//
//   DistributorProcess distributor(parts);
//   network.add(distributor);
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "kagibin/crypto/ed25519/ed25519.h"
#include "kagibin/roles/key_distribution_operator/distributor.h"

#include "tests/simulation/core/network.h"
#include "tests/simulation/roles/shared_store.h"

namespace kagibin::simulation {

namespace kdo = roles::key_distribution_operator;

// What all distributors of a world together have answered with success, in the order in which they
// did.
struct Acknowledgements {
  // The last of each name, without its query; a verdict and a receipt may be followed by another.
  std::map<std::pair<std::string, std::string>, delivery::HttpRequest> puts;  // (subject, target)
  std::vector<delivery::HttpRequest> receipts;                                // all of them
  std::set<std::tuple<std::string, std::string, delivery::AttemptNumber>>
      handed_over;                       // (device, provider/order, attempt) of E2
  std::vector<std::string> checkpoints;  // kept by a distributor, each when it had committed
  std::vector<std::string> conflicts;    // answered to somebody who does nothing wrong
  std::vector<std::string> log_stood;    // why the log could not be extended, besides the store
};

class DistributorProcess final : public Server, private kdo::DistributorObserver {
 public:
  struct Parts {
    Ground& ground;
    SharedStore& shared;
    const kdo::TransportCa& ca;
    const crypto::Ed25519PrivateKey& log_key;
    crypto::Rng& rng;
    Acknowledgements& acknowledged;
    std::size_t number = 0;
    bool has_campaigns = false;  // which go on by themselves
    // For mutants: between the network and the distributor.
    std::function<delivery::HttpResponse(const delivery::HttpRequest&, delivery::HttpResponse)>
        tampers{};
  };
  explicit DistributorProcess(const Parts& parts);
  ~DistributorProcess() override;

  void start();
  void arrive(delivery::HttpRequest request, Answer answer) override;
  void kill();
  RoleClock& clock() { return clock_; }
  bool is_up() const { return distributor_ != nullptr; }

 private:
  struct Asked {
    delivery::HttpRequest request;
    Answer answer;
    std::string topic{};
    bool waits = false;
    std::uint64_t number = 0;  // of those that wait
  };
  void log_stands(const Error* why) override;
  bool may_die();
  void serve();
  void handle(std::vector<Asked> asked);
  void note(const delivery::HttpRequest& request, const delivery::HttpResponse& response);
  // Those who wait for one of these.
  void wake(const std::vector<std::string>& topics);
  void wake(const std::function<bool(const Asked&)>& hears);
  void tick();
  void go_down();

  Parts parts_;
  RoleClock clock_;
  std::string kept_checkpoint_;  // its file
  std::unique_ptr<delivery::OrderStore> store_;
  std::unique_ptr<kdo::LogKeeper> log_;
  std::unique_ptr<kdo::Distributor> distributor_;
  std::deque<Asked> queue_;
  std::list<Asked> waiting_;
  std::uint64_t life_ = 0;
  std::uint64_t waited_ = 0;
  bool is_dead_ = false;
  bool will_serve_ = false;
  int quiet_ticks_ = 0;
};

}  // namespace kagibin::simulation
