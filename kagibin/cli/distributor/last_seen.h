// SPDX-License-Identifier: Apache-2.0
// When service providers and devices were last there, in bounded memory: who is missing is seen by
// its absence.
//
// Members are told apart by a hash of their names; some 40 octets each, for at most kMost of them,
// until a day has passed without them. Of more, the first kMost are counted. Thread-safety: any
// thread.
//
//   LastSeen seen;
//   seen.note(Party::kDevice, "phone-1", now);
//   const std::size_t within_an_hour = seen.since(Party::kDevice, now - 3'600);
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <unordered_map>

namespace kagibin::cli {

class LastSeen {
 public:
  enum class Kind : std::uint8_t { kProvider, kDevice };
  static constexpr std::size_t kMost = 262'144;  // of a kind
  static constexpr std::int64_t kForgotten = 86'400;

  void note(Kind kind, std::string_view name, std::int64_t now);
  // How many of them were there at that time or later.
  std::size_t since(Kind kind, std::int64_t time) const;
  // When the last one was; 0: none was.
  std::int64_t newest(Kind kind) const;
  // Forgets who was not there for a day.
  void forget(std::int64_t now);

 private:
  struct Members {
    std::unordered_map<std::size_t, std::int64_t> times{};
    std::int64_t newest = 0;
  };
  Members& of(Kind kind) { return members_.at(kind == Kind::kProvider ? 0 : 1); }
  const Members& of(Kind kind) const { return members_.at(kind == Kind::kProvider ? 0 : 1); }

  mutable std::mutex mutex_;
  std::array<Members, 2> members_{};
};

}  // namespace kagibin::cli
