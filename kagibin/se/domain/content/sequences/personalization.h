// SPDX-License-Identifier: Apache-2.0
// INSTALL [for personalization] and to whom its STORE DATA go (GPCS 7.3.3, 11.5.2.3.6): an
// application associated with this domain, or a security domain that has no keys of its own. Asked
// at INSTALL and again for every block (standing.h). For se/ only.
#pragma once

#include "kagibin/se/domain/domain_command.h"

namespace kagibin::se {

// 00, or 6A88 and 6985.
apdu::ResponseApdu begin_personalization(const DomainCommand& command, const Aid& target);

// The target as it stands now; 6A88 when it is gone, 6985 when it may not be personalized from here
// any more. Precondition: command.channel.personalizing.
std::expected<RegistryEntry, StatusWord> personalized(const DomainCommand& command);

}  // namespace kagibin::se
