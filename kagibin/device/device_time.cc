// SPDX-License-Identifier: Apache-2.0
#include "kagibin/device/device_time.h"

#include <algorithm>

namespace kagibin::device {

DeviceTime device_time(std::int64_t own_clock,
                       std::int64_t ca_not_before,
                       std::optional<std::int64_t> last_server_time) {
  if (own_clock >= ca_not_before) {
    return {own_clock, false};
  }
  return {std::max(ca_not_before, last_server_time.value_or(ca_not_before)), true};
}

}  // namespace kagibin::device
