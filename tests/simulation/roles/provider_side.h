// SPDX-License-Identifier: Apache-2.0
// A service provider of a simulated world, whatever it is made of: what it is to order, and what it
// knows at the end.
//
// Thread-safety: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kagibin/delivery/order_state.h"

#include "tests/simulation/core/network.h"
#include "tests/simulation/roles/element_side.h"

namespace kagibin::simulation {

struct Wish {
  delivery::OrderId id;
  delivery::DeviceId device;
  Moment due = 0;
  Moment cancelled_at = 0;  // 0: never
};

// What a provider says of an order when all is over.
struct Evidence {
  bool is_ordered = false;
  std::uint32_t seq = 0;
  delivery::State state = delivery::State::kOrdered;
  bool has_proof = false;  // a receipt, or a statement that was read back, and a verdict on it
  bool is_unacknowledged = false;  // something of it that it still has to send
};

class ProviderSide : public Role {
 public:
  ProviderSide(Ground& ground, std::string name)
      : Role(ground, std::move(name), Fault::kProviderKilled) {}

  virtual const Spid& spid() const = 0;
  virtual RoleClock& clock() = 0;
  // Before the start.
  virtual void wish(const Wish& wish) { wishes_.push_back(wish); }
  const std::vector<Wish>& wishes() const { return wishes_; }
  // When nothing runs any more.
  virtual Evidence evidence(const Wish& wish) = 0;
  // Orders that wait, as the provider sees it now.
  virtual bool is_waiting() = 0;

 private:
  std::vector<Wish> wishes_;
};

}  // namespace kagibin::simulation
