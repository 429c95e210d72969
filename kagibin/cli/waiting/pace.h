// SPDX-License-Identifier: Apache-2.0
// How long a program waits before it asks its distributor again: never a busy loop, and never all
// of them in the same second.
//
// After a look that brought something, or that the server held until there was something: at once,
// but five looks a second at most. After an empty answer that was not held back: as long as the
// server asks. After a failure: full jitter up to a bound that doubles from one second to a minute,
// and not before the time that the server asked for. Pure; times in milliseconds.
//
//   Pace pace;
//   signals.pause(pace.after_failure(api.connection().retry_after_seconds(), random));
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace kagibin::cli {

class Pace {
 public:
  static constexpr std::chrono::milliseconds kShortest{200};
  static constexpr std::chrono::seconds kEmpty{5};  // where the server asks for nothing
  static constexpr std::chrono::seconds kFirstBound{1};
  static constexpr std::chrono::seconds kLastBound{60};

  // What one look at the server was.
  struct Look {
    std::chrono::milliseconds took{0};
    std::chrono::milliseconds wait{0};  // what the server was asked to wait for news
    bool news = false;
    std::optional<std::uint32_t> asked_seconds{};  // Retry-After
  };

  std::chrono::milliseconds after(const Look& look);
  // `random` is drawn evenly.
  std::chrono::milliseconds after_failure(std::optional<std::uint32_t> asked_seconds,
                                          std::uint32_t random);

 private:
  int failures_ = 0;
};

}  // namespace kagibin::cli
