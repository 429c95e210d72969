// SPDX-License-Identifier: Apache-2.0
// Who belongs to whom: every application, security domain and load file is associated with a
// security domain, directly, and with those above it, indirectly (GPCS 7.2). The root of a
// hierarchy is associated with itself: the ISD, or a domain that was extradited to itself. For se/
// only.
#pragma once

#include <optional>
#include <vector>

#include "kagibin/se/open/registry.h"

namespace kagibin::se {

// `domain` is `ancestor`, or associated with it directly or indirectly. Precondition: both are
// security domains in the registry (KB_CHECK).
bool is_within(const Registry& registry, const Aid& domain, const Aid& ancestor);
// `entry` is the domain itself, or associated with it directly or indirectly.
bool is_of(const Registry& registry, const RegistryEntry& entry, const Aid& domain);
// The domain on top.
Aid root_of(const Registry& registry, const Aid& domain);
// What is associated with the domain directly or indirectly, itself left out, in order of AIDs.
std::vector<RegistryEntry> associated_with(const Registry& registry, const Aid& domain);
// The next domain with these privileges: `domain` itself, or above it.
std::optional<RegistryEntry> nearest_with(const Registry& registry,
                                          const Aid& domain,
                                          std::uint32_t privileges);

}  // namespace kagibin::se
