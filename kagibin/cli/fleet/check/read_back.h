// SPDX-License-Identifier: Apache-2.0
// Reads an element back: which key versions the provider's domain has, and whether it opens a
// session under the keys that were ordered.
//
//   KB_TRY(read_back(device, silicon, evidence.new_keys, seen));
#pragma once

#include <optional>

#include "kagibin/cli/fleet/check/findings.h"
#include "kagibin/cli/fleet/players/virtual_device.h"
#include "kagibin/roles/service_provider/keys/key_store.h"

namespace kagibin::cli::fleet {

// Fills what stands in the element. Fails when the element does not answer at all.
Result<void> read_back(VirtualDevice& device,
                       const Silicon& silicon,
                       const std::optional<roles::service_provider::ChannelKeySet>& new_keys,
                       Seen& seen);

}  // namespace kagibin::cli::fleet
