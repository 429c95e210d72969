// SPDX-License-Identifier: Apache-2.0
// The conventional operator (RL0): it holds the service provider's keys and the channel keys, and
// sets the ones in a session under the others.
//
//   HOME/exchange.pem  exchange.key.pem   to which the manager seals key exports
//   HOME/export.cms                       the channel keys
//   HOME/service-keys.txt                 what the service provider entrusted: three keys, one a
//   line
#pragma once

#include <filesystem>
#include <string>

#include "kagibin/base/aid.h"

namespace kagibin::conventional {

Result<void> found_operator(const std::filesystem::path& home);

struct Push {
  std::filesystem::path home;
  std::filesystem::path manager;  // the manager's signing.pem
  std::string to;                 // HOST:PORT that leads to the device
  Aid target;
  std::uint8_t replaced_version = 0;
  std::uint8_t key_version = 0;
};
// PUT KEY over SCP03, through whatever relays the APDUs.
Result<void> push(const Push& wish);

}  // namespace kagibin::conventional
