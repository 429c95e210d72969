// SPDX-License-Identifier: Apache-2.0
// A stack of its own for a role whose code waits for answers: it runs until it pauses, and goes on
// where it was when it is resumed. Everything stays in one thread, so that who runs when is decided
// by one event queue alone.
//
// Limits: a stack of kStackBytes with a page behind it that must not be touched. A fiber has to be
// finished before it is destroyed (KB_CHECK). Thread-safety: one thread.
//
//   Fiber role([&] { work(); Fiber::pause(); more_work(); });
//   role.resume();
//   role.resume();
#pragma once

#include <cstddef>
#include <functional>

#include <ucontext.h>

namespace kagibin::simulation {

class Fiber {
 public:
  static constexpr std::size_t kStackBytes = std::size_t{1} << 20U;

  explicit Fiber(std::function<void()> body);
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  // Runs it until it pauses or ends. Not from within a fiber (KB_CHECK).
  void resume();
  // Back to who resumed the fiber that this is called from (KB_CHECK: there is one).
  static void pause();
  // The one that runs; null outside all of them.
  static Fiber* running();
  bool is_finished() const { return finished_; }

 private:
  static void enter();

  std::function<void()> body_;
  void* stack_ = nullptr;
  ucontext_t own_{};
  ucontext_t resumer_{};
  void* shadow_of_own_ = nullptr;  // of AddressSanitizer
  void* shadow_of_resumer_ = nullptr;
  const void* resumer_stack_ = nullptr;
  std::size_t resumer_stack_bytes_ = 0;
  bool finished_ = false;
};

}  // namespace kagibin::simulation
