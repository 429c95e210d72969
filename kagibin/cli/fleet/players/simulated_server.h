// SPDX-License-Identifier: Apache-2.0
// The distributor's end of a simulated network: what net/http_server.h does, without octets on a
// wire. Any threads call; the handler sees one at a time. A request that asks for news waits here,
// on its own thread, as it would wait at the server.
//
// Ownership: refers to the handler. Thread-safety: any threads.
//
//   SimulatedServer server(distributor);
//   SimulatedClient client(server, "device:phone-7", stop);
#pragma once

#include <condition_variable>
#include <list>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>

#include "kagibin/delivery/http_port.h"

namespace kagibin::cli::fleet {

class SimulatedServer {
 public:
  explicit SimulatedServer(delivery::HttpHandler& handler) : handler_(handler) {}

  // kInterrupted once `stop` asks to end: a request that waits is given up.
  Result<delivery::HttpResponse> serve(const delivery::HttpRequest& request,
                                       const std::stop_token& stop);
  // About once a second.
  void tick();
  // Whoever waits gets the answer that there is; nobody waits from now on.
  void stop();

 private:
  struct Waiter {
    std::string topic;
    std::condition_variable_any news;
    bool woken = false;
  };
  delivery::HttpResponse handle(const delivery::HttpRequest& request);
  void wake(const std::vector<std::string>& topics);

  delivery::HttpHandler& handler_;
  std::mutex mutex_;
  std::list<Waiter> waiters_;
  bool stopped_ = false;
};

class SimulatedClient final : public delivery::HttpClient {
 public:
  SimulatedClient(SimulatedServer& server, std::string subject, std::stop_token stop)
      : server_(server), subject_(std::move(subject)), stop_(std::move(stop)) {}

  Result<delivery::HttpResponse> send(const delivery::HttpRequest& request) override {
    delivery::HttpRequest seen = request;
    seen.subject = subject_;
    return server_.serve(seen, stop_);
  }

 private:
  SimulatedServer& server_;
  std::string subject_;
  std::stop_token stop_;
};

}  // namespace kagibin::cli::fleet
