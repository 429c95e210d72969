// SPDX-License-Identifier: Apache-2.0
// Plays devices, one after another: each visits the distributor with a connection of its own, the
// real agent and its element, and stays until it has delivered or there is nothing for it.
//
// A visit may meet a power cut in the element and the end of its agent; then the device tries again
// as it would in the field, with the element's memory and the agent's jobs as they were left.
// Ownership: refers to what it is given. Thread-safety: one visitor a thread.
//
//   Visitor visitor(parts);
//   visitor.play(devices, queue, stop);
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <vector>

#include "kagibin/cli/fleet/load/faulty_http.h"
#include "kagibin/cli/fleet/load/visit_queue.h"
#include "kagibin/cli/fleet/players/distributor_site.h"
#include "kagibin/cli/fleet/players/virtual_device.h"
#include "kagibin/device/agent.h"

namespace kagibin::cli::fleet {

class Visitor {
 public:
  struct Parts {
    DistributorSite& site;
    NetworkConditions& conditions;
    Silicon silicon;
    std::atomic<std::uint64_t>& visits;
    std::atomic<std::uint64_t>& apdus;
  };
  explicit Visitor(const Parts& parts) : parts_(parts) {}

  // Whoever is called, until the queue is stopped.
  void play(const std::vector<std::unique_ptr<VirtualDevice>>& devices,
            VisitQueue& queue,
            const std::stop_token& stop);
  // One visit by this client; waits for work for so long. The devices' own failures happen.
  // True when something was delivered.
  bool visit(VirtualDevice& device,
             delivery::HttpClient& client,
             std::uint32_t wait_seconds,
             const std::stop_token& stop);

 private:
  void plan_failures(VirtualDevice& device);

  Parts parts_;
};

}  // namespace kagibin::cli::fleet
