// SPDX-License-Identifier: Apache-2.0
// The memory budget of an element: what card content management may fill (GPCS 9.7, 11.5.2.3.7).
//
//   non-volatile   memory_octets of the profile, 524,288 octets when it says nothing: every record
//                  with its name, the data blocks of load files that were loaded, and what
//                  applications have reserved (D8) and not yet filled
//   volatile        16,384 octets: what applications have reserved (D7)
//
// A built-in load file takes nothing. The data block of a loaded one is counted, although only its
// hash and its names are kept, since nothing runs it. INSTALL and LOAD answer 6A84 when what they
// make does not fit; records that applications write later are not held to a quota. For se/ only.
#pragma once

#include "kagibin/se/open/platform.h"

namespace kagibin::se {

inline constexpr std::uint64_t kNonVolatileOctets = 524'288;  // unless the profile says
inline constexpr std::uint64_t kVolatileOctets = 16'384;

struct FreeMemory {
  std::uint64_t non_volatile = 0;
  std::uint64_t volatile_octets = 0;
};

// What is left; nothing of either when more is in use than there is.
FreeMemory free_memory(const Platform& platform);

// After a change, inside its transaction: kNoSpace when more is in use than there is.
Result<void> check_memory(const Platform& platform);

// kNoSpace when the application's records are more than its quota.
Result<void> check_quota(const Platform& platform, const RegistryEntry& application);

}  // namespace kagibin::se
