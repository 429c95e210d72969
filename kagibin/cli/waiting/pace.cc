// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/waiting/pace.h"

#include <algorithm>

namespace kagibin::cli {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// A server's word counts, but not for longer than this.
constexpr seconds kLongestAsked{300};

milliseconds asked(std::optional<std::uint32_t> by_server, milliseconds otherwise) {
  return by_server ? std::min<milliseconds>(seconds(*by_server), kLongestAsked) : otherwise;
}

}  // namespace

milliseconds Pace::after(const Look& look) {
  failures_ = 0;
  const bool held = look.took >= look.wait && look.wait > milliseconds(0);
  if (look.news || held) {
    return std::max(milliseconds(0), kShortest - look.took);
  }
  return std::max(kShortest, asked(look.asked_seconds, kEmpty));
}

milliseconds Pace::after_failure(std::optional<std::uint32_t> asked_seconds, std::uint32_t random) {
  const auto doubled = kFirstBound * (std::int64_t{1} << std::min(failures_, 10));
  ++failures_;
  const milliseconds bound = std::min<milliseconds>(doubled, kLastBound);
  const milliseconds drawn(random % static_cast<std::uint32_t>(bound.count() + 1));
  return std::max(kShortest, asked(asked_seconds, milliseconds(0)) + drawn);
}

}  // namespace kagibin::cli
