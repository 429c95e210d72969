// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/core/fiber.h"

#include <utility>

#include <sys/mman.h>

#include "kagibin/base/result.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KAGIBIN_FIBERS_UNDER_ASAN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define KAGIBIN_FIBERS_UNDER_ASAN
#endif
#ifdef KAGIBIN_FIBERS_UNDER_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

namespace kagibin::simulation {
namespace {

constexpr std::size_t kGuardBytes = 4'096;
thread_local Fiber* running_fiber = nullptr;

// What AddressSanitizer has to know of a change of stacks.
void leave_stack([[maybe_unused]] void** shadow,
                 [[maybe_unused]] const void* next,
                 [[maybe_unused]] std::size_t bytes) {
#ifdef KAGIBIN_FIBERS_UNDER_ASAN
  __sanitizer_start_switch_fiber(shadow, next, bytes);
#endif
}

void arrive_on_stack([[maybe_unused]] void* shadow,
                     [[maybe_unused]] const void** left,
                     [[maybe_unused]] std::size_t* bytes) {
#ifdef KAGIBIN_FIBERS_UNDER_ASAN
  __sanitizer_finish_switch_fiber(shadow, left, bytes);
#endif
}

}  // namespace

Fiber::Fiber(std::function<void()> body) : body_(std::move(body)) {
  stack_ = ::mmap(nullptr, kStackBytes + kGuardBytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
  KB_CHECK(stack_ != MAP_FAILED);
  KB_CHECK(::mprotect(stack_, kGuardBytes, PROT_NONE) == 0);
  KB_CHECK(::getcontext(&own_) == 0);
  own_.uc_stack.ss_sp = static_cast<std::byte*>(stack_) + kGuardBytes;
  own_.uc_stack.ss_size = kStackBytes;
  own_.uc_link = nullptr;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): it passes no argument
  ::makecontext(&own_, &Fiber::enter, 0);
}

Fiber::~Fiber() {
  KB_CHECK(finished_);
  static_cast<void>(::munmap(stack_, kStackBytes + kGuardBytes));
}

Fiber* Fiber::running() { return running_fiber; }

void Fiber::enter() {
  Fiber* const self = running_fiber;
  arrive_on_stack(nullptr, &self->resumer_stack_, &self->resumer_stack_bytes_);
  self->body_();
  self->body_ = nullptr;
  self->finished_ = true;
  leave_stack(nullptr, self->resumer_stack_, self->resumer_stack_bytes_);
  ::setcontext(&self->resumer_);
}

void Fiber::resume() {
  KB_CHECK(running_fiber == nullptr && !finished_);
  running_fiber = this;
  leave_stack(&shadow_of_resumer_, own_.uc_stack.ss_sp, own_.uc_stack.ss_size);
  KB_CHECK(::swapcontext(&resumer_, &own_) == 0);
  arrive_on_stack(shadow_of_resumer_, nullptr, nullptr);
  running_fiber = nullptr;
}

void Fiber::pause() {
  Fiber* const self = running_fiber;
  KB_CHECK(self != nullptr);
  leave_stack(&self->shadow_of_own_, self->resumer_stack_, self->resumer_stack_bytes_);
  KB_CHECK(::swapcontext(&self->own_, &self->resumer_) == 0);
  arrive_on_stack(self->shadow_of_own_, &self->resumer_stack_, &self->resumer_stack_bytes_);
}

}  // namespace kagibin::simulation
