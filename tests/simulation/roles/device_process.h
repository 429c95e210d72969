// SPDX-License-Identifier: Apache-2.0
// A device: the real agent with its store in a SQLite file, and its element. It visits the
// distributor, waits there for work, and comes again sooner after trouble.
//
// Ownership: refers to what it is given. Thread-safety: one thread.
//
//   DeviceProcess device(parts);
//   device.start();
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "kagibin/delivery/agent_store.h"
#include "kagibin/delivery/names.h"

#include "tests/simulation/core/network.h"
#include "tests/simulation/roles/element_side.h"
#include "tests/simulation/roles/stores.h"

namespace kagibin::simulation {

class DeviceProcess final : public Role {
 public:
  struct Parts {
    Network& network;
    ElementSide& element;
    Stores& stores;
    delivery::DeviceId name;
    std::filesystem::path store;
    // For mutants: what stands between the file and the agent.
    std::function<std::shared_ptr<delivery::AgentStore>(std::shared_ptr<delivery::AgentStore>)>
        between{};
  };
  DeviceProcess(Ground& ground, const Parts& parts);

  const delivery::DeviceId& device() const { return parts_.name; }
  RoleClock& clock() { return clock_; }
  std::uint64_t apdus() const { return apdus_; }
  // Jobs of which the store said that they were there, and that it did not have after a start.
  std::uint64_t lost_jobs() const { return lost_jobs_; }

 private:
  class Link;
  class Remembering;
  void live() override;

  Parts parts_;
  RoleClock clock_;
  std::uint64_t apdus_ = 0;
  std::vector<delivery::AgentJob> acknowledged_;
  std::uint64_t lost_jobs_ = 0;
};

}  // namespace kagibin::simulation
