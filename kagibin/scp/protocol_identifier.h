// SPDX-License-Identifier: Apache-2.0
// How a secure channel protocol is named in card recognition data (GPCS H.2), in the key
// information of INITIALIZE UPDATE and in the parameters of INSTALL.
#pragma once

#include <cstdint>

namespace kagibin::scp {

inline constexpr std::uint8_t kScp02 = 0x02;
inline constexpr std::uint8_t kScp03 = 0x03;
inline constexpr std::uint8_t kScp11 = 0x11;

}  // namespace kagibin::scp
