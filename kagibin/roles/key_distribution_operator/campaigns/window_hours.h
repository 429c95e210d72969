// SPDX-License-Identifier: Apache-2.0
// When maintenance windows are open (delivery/campaign.h), in UTC without leap seconds. A window
// that ends before it begins ends on the next day. Without windows it is always open. Pure.
//
//   if (is_open(terms.windows, now)) { ... } else { wait_until(next_opening(terms.windows, now)); }
#pragma once

#include <cstdint>
#include <span>

#include "kagibin/delivery/campaign.h"

namespace kagibin::roles::key_distribution_operator {

bool is_open(std::span<const delivery::MaintenanceWindow> windows, std::int64_t now);
// `now` while one is open.
std::int64_t next_opening(std::span<const delivery::MaintenanceWindow> windows, std::int64_t now);

}  // namespace kagibin::roles::key_distribution_operator
