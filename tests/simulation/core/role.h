// SPDX-License-Identifier: Apache-2.0
// A process of a simulated world: it lives, may be ended at any message and at any durable step as
// by kill -9, and lives again on what it had made durable.
//
// A process that has died still unwinds its stack, but its ports answer nothing but failures, so
// that nothing of it reaches anybody any more; which is why a role may have no effects but through
// its ports. Ownership: refers to the ground, which outlives it. Thread-safety: one thread.
//
//   class Provider final : public Role {
//     void live() override { while (goes_on()) { work(); sleep(kSecond); } }
//   };
//   provider.start();
#pragma once

#include <memory>
#include <string>

#include "tests/simulation/core/faults.h"
#include "tests/simulation/core/fiber.h"
#include "tests/simulation/core/virtual_time.h"

namespace kagibin::simulation {

// What all roles of a world stand on.
struct Ground {
  VirtualTime time;
  Faults faults;
  Trace trace;
  bool is_over = false;  // whoever can is to end by itself
};

class Role {
 public:
  Role(Ground& ground, std::string name, Fault death);
  Role(const Role&) = delete;
  Role& operator=(const Role&) = delete;
  virtual ~Role() = default;

  const std::string& name() const { return name_; }
  Ground& ground() { return ground_; }
  void start();
  // Brings it to its end; afterwards it may be destroyed. Precondition: the ground is over.
  void finish();

  // From one of its ports, or from an event: nothing it does counts from now on.
  void die();
  // Dies by the dice; true when it is dead.
  bool may_die();
  bool is_dead() const { return is_dead_; }

  // What the role itself and its ports wait with. Whoever `wakes` it calls wake() once.
  using Waiting = std::shared_ptr<bool>;
  Waiting begin_waiting();
  void wait(const Waiting& waiting);
  void wake(const Waiting& waiting);
  // Not longer than until it dies or the world is over.
  void sleep(Moment span);

 protected:
  // From a start on what is durable to death, or until the world is over.
  virtual void live() = 0;
  bool goes_on() const { return !is_dead_ && !ground_.is_over; }

 private:
  void run();

  Ground& ground_;
  std::string name_;
  Fault death_;
  Fiber fiber_;
  Waiting waiting_;
  bool is_dead_ = false;
  bool is_started_ = false;
};

}  // namespace kagibin::simulation
