// SPDX-License-Identifier: Apache-2.0
// A client on a bad network, over whatever transport: it loses requests and answers, sends twice,
// and is slow, as the dice say.
//
// A lost request or answer is kNetwork, as a connection that was cut is. Ownership: refers to mix,
// counts and dice; the client behind it may be changed between two requests. Thread-safety: one
// thread; the counts are of all.
//
//   FaultyHttp http(conditions, dice);
//   http.use(*client);
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>

#include "kagibin/cli/fleet/load/dice.h"
#include "kagibin/cli/fleet/load/failure_mix.h"
#include "kagibin/delivery/http_port.h"

namespace kagibin::cli::fleet {

// How often each failure was brought about.
struct FailureCounts {
  std::array<std::atomic<std::uint64_t>, kFailureKinds> count{};
  void add(Failure failure) { ++count.at(static_cast<std::size_t>(failure)); }
  std::uint64_t of(Failure failure) const { return count.at(static_cast<std::size_t>(failure)); }
};

// Of one run, for all clients.
struct NetworkConditions {
  FailureMix mix{};
  std::chrono::milliseconds latency{0};  // before each request
  FailureCounts failures{};
  std::atomic<std::uint64_t> requests{0};
};

class FaultyHttp final : public delivery::HttpClient {
 public:
  FaultyHttp(NetworkConditions& conditions, Dice dice) : conditions_(conditions), dice_(dice) {}

  void use(delivery::HttpClient& client) { client_ = &client; }
  // Called with every answer that came.
  std::function<void(const delivery::HttpRequest&, const delivery::HttpResponse&)> on_answer{};

  Result<delivery::HttpResponse> send(const delivery::HttpRequest& request) override;

 private:
  bool happens(Failure failure);

  NetworkConditions& conditions_;
  Dice dice_;
  delivery::HttpClient* client_ = nullptr;
};

}  // namespace kagibin::cli::fleet
