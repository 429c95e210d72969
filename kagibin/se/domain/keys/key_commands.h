// SPDX-License-Identifier: Apache-2.0
// PUT KEY (GPCS 11.8) and DELETE of keys (GPCS 11.2): keys of every type in gp/key/key_type.h,
// secrets under the session's key for sensitive data (Amendment D, 7.2), in a session with C-MAC.
//
// Rules that the specifications leave to the element:
// - P1 = 00 adds: a key of that version and identifier must not be there (6A80). P1 = KVN replaces:
//   every key must be there (6A88); with another new version the keys move to it. Versions 01 to
//   7F.
// - A factory set (FF) is gone as soon as PUT KEY makes another set complete.
// - A domain that has a complete set keeps one: what would take the last is refused (6985). The
//   session's own set may go when another remains; the session lives on.
// - A supplementary domain becomes PERSONALIZED with its first complete set.
// - Any type may stand under any version and identifier; who uses a key looks for what it needs. A
//   key takes the place of one of another type.
// - A key check value that comes is checked (6A80); RSA and EC keys need none.
// Answers: PUT KEY: KVN, then in order the check value of each symmetric key, and of each other key
// that came with one; DELETE: 00.
#pragma once

#include "kagibin/gp/content/delete.h"
#include "kagibin/se/domain/domain_command.h"

namespace kagibin::se {

apdu::ResponseApdu put_key(const DomainCommand& command);
// After decode and the check of the session (content_commands.h).
apdu::ResponseApdu delete_keys(const DomainCommand& command, const gp::DeleteKeys& which);

}  // namespace kagibin::se
