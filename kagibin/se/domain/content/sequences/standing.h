// SPDX-License-Identifier: Apache-2.0
// What a sequence of commands stands on while it lasts: INSTALL [for load] with its LOADs, INSTALL
// [for personalization] with its STORE DATAs (GPCS 9.3.5, 7.3.3). Logical channels run beside each
// other, so that what allowed the first command may be gone at the next: every one asks again.
//
//   every sequence    the keys that opened the session are what they were when it began; the card
//                     was not locked since
//   LOAD              the domain's right (privilege, token and its key), the load file's domain
//   STORE DATA        the application or domain: there, selectable, associated with this domain
//
// For se/ only.
#pragma once

#include <optional>

#include "kagibin/base/aid.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/sha256.h"

namespace kagibin::se {

struct DomainCommand;

struct Standing {
  std::optional<crypto::Digest256> keys{};  // of the record of the session's keys; none: not there
};

// INSTALL [for personalization], until the last STORE DATA or another command.
struct Personalization {
  Aid target;
  Standing standing{};
  bool over = false;  // refuses what comes yet: it must not fall to the domain itself
};

Standing standing_of(const DomainCommand& command);
// kPolicy when the session's keys were replaced or deleted since.
Result<void> check_standing(const DomainCommand& command, const Standing& standing);

// After DELETE: sequences on any logical channel whose object is no longer there are over, even if
// another of its name comes.
void end_sequences_of_deleted(const DomainCommand& command);

}  // namespace kagibin::se
