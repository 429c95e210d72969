// SPDX-License-Identifier: Apache-2.0
// Whose requests a security domain takes when content comes to it, leaves it, or is deleted
// (tags 82, 87 and 83 of its own parameters; gp/content/domain_parameters.h). For se/ only.
//
// A domain that says nothing takes those of every domain in its own hierarchy; its own requests it
// takes always.
#pragma once

#include "kagibin/se/open/registry.h"

namespace kagibin::se {

enum class Request : std::uint8_t { kExtraditionHere, kExtraditionAway, kDeletion };
enum class Content : std::uint8_t { kApplication, kLoadFile };

// Whether `domain` takes this request of `requester`. Precondition: both are security domains.
bool takes_request(const Registry& registry,
                   const RegistryEntry& domain,
                   const RegistryEntry& requester,
                   Request request,
                   Content content);

}  // namespace kagibin::se
