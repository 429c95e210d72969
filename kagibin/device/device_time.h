// SPDX-License-Identifier: Apache-2.0
// The time of a device whose clock may be wrong (protocol, section 7): a clock before the transport
// CA's notBefore cannot be right, so the later of notBefore and the last time a server told counts
// instead, and the agent says so once.
//
//   const DeviceTime time = device_time(clock.now(), ca_not_before, stored_server_time);
#pragma once

#include <cstdint>
#include <optional>

namespace kagibin::device {

struct DeviceTime {
  std::int64_t seconds = 0;
  bool replaced = false;  // the device's own clock was not used
};

DeviceTime device_time(std::int64_t own_clock,
                       std::int64_t ca_not_before,
                       std::optional<std::int64_t> last_server_time);

}  // namespace kagibin::device
