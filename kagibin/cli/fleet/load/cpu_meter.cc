// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/fleet/load/cpu_meter.h"

#include <time.h>

namespace kagibin::cli::fleet {
namespace {

thread_local CpuScope* innermost = nullptr;

std::int64_t read(clockid_t clock) {
  constexpr std::int64_t kNanosecondsASecond = 1'000'000'000;
  timespec now{};
  static_cast<void>(clock_gettime(clock, &now));
  return now.tv_sec * kNanosecondsASecond + now.tv_nsec;
}

}  // namespace

std::string_view name(Player player) {
  constexpr std::array<std::string_view, kPlayers> kNames = {"provider", "distributor", "device",
                                                             "element", "database"};
  return kNames.at(static_cast<std::size_t>(player));
}

std::int64_t thread_cpu_nanoseconds() { return read(CLOCK_THREAD_CPUTIME_ID); }
std::int64_t process_cpu_nanoseconds() { return read(CLOCK_PROCESS_CPUTIME_ID); }

CpuTimes operator-(const CpuTimes& left, const CpuTimes& right) {
  CpuTimes out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    out.at(i) = left.at(i) - right.at(i);
  }
  return out;
}

CpuTimes CpuMeter::times() const {
  CpuTimes out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    out.at(i) = times_.at(i).load(std::memory_order_relaxed);
  }
  return out;
}

CpuScope::CpuScope(CpuMeter& meter, Player player)
    : meter_(meter), player_(player), outer_(innermost), since_(thread_cpu_nanoseconds()) {
  if (outer_ != nullptr) {
    outer_->meter_.add(outer_->player_, since_ - outer_->since_);
  }
  innermost = this;
}

CpuScope::~CpuScope() {
  const std::int64_t now = thread_cpu_nanoseconds();
  meter_.add(player_, now - since_);
  innermost = outer_;
  if (outer_ != nullptr) {
    outer_->since_ = now;
  }
}

}  // namespace kagibin::cli::fleet
