// SPDX-License-Identifier: Apache-2.0
// Time as a parameter: everything that asks for the time takes a Clock&, so that tests and whole
// deployments can set it.
//
// now() is seconds since 1970-01-01 UTC and may jump; uptime_ms() never goes back and has no epoch.
#pragma once

#include <cstdint>

namespace kagibin {

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;
  virtual std::int64_t now() const = 0;
  virtual std::int64_t uptime_ms() const = 0;
};

class SystemClock final : public Clock {
 public:
  std::int64_t now() const override;
  std::int64_t uptime_ms() const override;
};

// The protocol's own time: minutes since 2020-01-01T00:00Z (doc/wire_format.md, A0/87 and A0/88).
// Times before that give 0, times past 32 bits the largest value.
inline constexpr std::int64_t kProtocolEpochSeconds = 1'577'836'800;
std::uint32_t to_protocol_minutes(std::int64_t unix_seconds);
std::int64_t from_protocol_minutes(std::uint32_t minutes);

}  // namespace kagibin
