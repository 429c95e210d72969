// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/core/role.h"

#include <utility>

#include "kagibin/base/result.h"

namespace kagibin::simulation {

Role::Role(Ground& ground, std::string name, Fault death)
    : ground_(ground), name_(std::move(name)), death_(death), fiber_([this] { run(); }) {}

void Role::start() {
  is_started_ = true;
  ground_.time.after(0, [this] { fiber_.resume(); });
}

void Role::run() {
  while (!ground_.is_over) {
    is_dead_ = false;
    ground_.trace.add(ground_.time.now(), name_, "starts", 0);
    live();
    if (!ground_.is_over) {
      constexpr std::uint64_t kLongest = 60;
      sleep(kSecond + static_cast<Moment>(ground_.faults.dice().below(kLongest)) * kSecond);
    }
  }
}

void Role::finish() {
  KB_CHECK(ground_.is_over);
  if (!is_started_) {
    fiber_.resume();  // its loop sees that the world is over
  }
  while (!fiber_.is_finished()) {
    if (waiting_) {
      *std::exchange(waiting_, nullptr) = true;
    }
    fiber_.resume();
  }
}

void Role::die() {
  if (is_dead_ || ground_.is_over) {
    return;
  }
  is_dead_ = true;
  ground_.trace.add(ground_.time.now(), name_, "is killed", 0);
  if (Fiber::running() == nullptr && waiting_) {
    wake(Waiting(waiting_));
  }
}

bool Role::may_die() {
  if (!is_dead_ && ground_.faults.hits(death_)) {
    die();
  }
  return is_dead_;
}

Role::Waiting Role::begin_waiting() {
  waiting_ = std::make_shared<bool>(false);
  return waiting_;
}

void Role::wait(const Waiting& waiting) {
  while (!*waiting) {
    Fiber::pause();
  }
}

void Role::wake(const Waiting& waiting) {
  if (*waiting) {
    return;  // it did not wait so long
  }
  *waiting = true;
  waiting_.reset();
  fiber_.resume();
}

void Role::sleep(Moment span) {
  const Waiting waiting = begin_waiting();
  ground_.time.after(span, [this, waiting] { wake(waiting); });
  wait(waiting);
}

}  // namespace kagibin::simulation
