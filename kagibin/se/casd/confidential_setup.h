// SPDX-License-Identifier: Apache-2.0
// Scenario 3 of Amendment A in the element: a security domain and its provider agree on a secure
// channel key set with the CASD's key pair (gp/confidential/setup_messages.h), over any session
// that STORE DATA is taken in. Whoever holds that session's keys, the issuer above all, learns
// nothing of the set.
//
// Signed form: the provider's certificate is a CERT.SP of the controlling authority whose AID
// prefixes cover the domain, and his signature covers a challenge of 16 octets that is good once.
// A wrong certificate and a wrong signature are answered alike (6A80). Unsigned form: the session
// alone says who asks.
//
// The set is put in one transaction; with b1 of the parameters every key of the domain that was
// there goes in the same one, and then every session that the domain's keys opened ends, the one in
// hand when its answer has left: who knows the old keys has no word any more. Refused: 6A88 without
// a CASD, 6A80 for a KVN that is there (without b1), 6985 for a domain that speaks no SCP03, for
// the CASD itself, in SCP11c, for a block out of turn, and, through the domain above (INSTALL [for
// personalization]), for a domain that has keys of its own. For se/ only.
#pragma once

#include "kagibin/gp/store_data.h"
#include "kagibin/se/domain/domain_command.h"

namespace kagibin::se {

// Whether this block is of a set-up, and not of a domain's objects.
bool is_setup_block(const DomainCommand& command, const gp::StoreData& head);
// For `domain`: the one selected, or one that is being personalised.
apdu::ResponseApdu store_setup_block(const DomainCommand& command,
                                     const gp::StoreData& head,
                                     const Aid& domain);

}  // namespace kagibin::se
