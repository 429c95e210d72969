// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/distributor/last_seen.h"

#include <algorithm>
#include <functional>

namespace kagibin::cli {

void LastSeen::note(Kind kind, std::string_view name, std::int64_t now) {
  const std::size_t key = std::hash<std::string_view>()(name);
  const std::lock_guard lock(mutex_);
  Members& members = of(kind);
  members.newest = now;
  if (const auto found = members.times.find(key); found != members.times.end()) {
    found->second = now;
  } else if (members.times.size() < kMost) {
    members.times.emplace(key, now);
  }
}

std::size_t LastSeen::since(Kind kind, std::int64_t time) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::ranges::count_if(
      of(kind).times, [time](const auto& member) { return member.second >= time; }));
}

std::int64_t LastSeen::newest(Kind kind) const {
  const std::lock_guard lock(mutex_);
  return of(kind).newest;
}

void LastSeen::forget(std::int64_t now) {
  const std::lock_guard lock(mutex_);
  for (Members& members : members_) {
    std::erase_if(members.times, [now](const auto& member) {
      return member.second < now - kForgotten || member.second > now;
    });
  }
}

}  // namespace kagibin::cli
