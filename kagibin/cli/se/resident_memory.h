// SPDX-License-Identifier: Apache-2.0
// How much of the machine's memory this process has, after what it does not use was given back.
#pragma once

#include <cstdint>

namespace kagibin::cli {

// Octets; 0 where the system does not tell.
std::uint64_t resident_octets();

}  // namespace kagibin::cli
